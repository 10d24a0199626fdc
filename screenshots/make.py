"""Takes the pictures beside this file: `python screenshots/make.py`, or only some: `... make.py demo doctor`.

They are of the running program over real processes, so they cannot differ from what it does. Host, user and numbers
are those of the machine it ran on.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
os.environ.pop("NO_COLOR", None)

from textual.pilot import Pilot  # noqa: E402

from ipcinspect.demo.ending import signals_end_in_order  # noqa: E402
from ipcinspect.sources.live import LiveSource  # noqa: E402
from ipcinspect.tui.ipc_app import IpcApp  # noqa: E402
from ipcinspect.tui.options import ScreenOptions  # noqa: E402
from screenshots.situations import situations  # noqa: E402

FILTER = "demo"
"""The screen's own filter: the pictures are about the situations, whatever else runs here."""
WATCHED_S = 4.0
"""Long enough for the column that says since when."""
WITHIN_S = 30.0


class Picture(NamedTuple):
    """One file."""

    screen: str
    columns: int
    rows: int
    ready: str
    """A word that comes last: details are asked for after the rest is drawn."""
    keys: tuple[str, ...] = ()
    words: str = FILTER

    @property
    def file(self) -> Path:
        """Where it goes."""
        return HERE / f"{self.screen}-{self.columns}x{self.rows}.svg"


PICTURES = (
    Picture("channels", 80, 24, "block"),
    Picture("channels", 120, 40, "block"),
    Picture("channels", 200, 50, "block"),
    Picture("contents", 120, 40, "workers", ("p", "p"), "demo-collector queued:+1K"),
    Picture("processes", 120, 40, "resident", ("2", "slash", *FILTER, "enter")),
    Picture("demo-stage3", 120, 40, "1536", ("5", "n", "n", "n")),
    Picture("demo-stage3", 80, 24, "1536", ("5", "n", "n", "n")),
    Picture("demo-stage7", 120, 40, "ended", ("5", *"nnnnnnn")),
    Picture("demo-fault", 120, 40, "Fault", ("5", "x", "down", "enter", *"nnn")),
    Picture("stuck", 80, 24, "CYCLE", ("3",)),
    Picture("stuck", 120, 40, "CYCLE", ("3",)),
    Picture("findings", 120, 40, "Remedy", ("4",)),
    Picture("doctor", 120, 40, "map_files", ("7",)),
)


async def take(picture: Picture) -> None:
    """Run the screen, press the keys, keep what it shows."""
    app = IpcApp(LiveSource(), ScreenOptions(interval=0.5))
    async with app.run_test(size=(picture.columns, picture.rows)) as pilot:
        await wait_until(pilot, lambda: app.view is not None)
        app.filter_by(picture.words)
        await wait_until(pilot, lambda: shows_filtered(app, picture.words) and watched_for(app) > WATCHED_S)
        await wait_until(pilot, lambda: app.channels_page.is_informed)
        await pilot.press(*picture.keys)
        await wait_until(pilot, lambda: app.view is not None and app.view.query == app.feed.wishes.query)
        await wait_until(pilot, lambda: picture.ready in drawn(app))
        picture.file.write_text(drawn(app), encoding="utf-8")


def drawn(app: IpcApp) -> str:
    """The screen as SVG; some viewers need to be told that the spaces in it count."""
    return app.export_screenshot(title="ipcinspect", simplify=True).replace("<svg ", '<svg xml:space="preserve" ', 1)


def shows_filtered(app: IpcApp, words: str) -> bool:
    """Whether the filter has been applied to what is shown."""
    return app.view is not None and app.view.query.words == tuple(words.split()) and len(app.view.channels) > 0


def watched_for(app: IpcApp) -> float:
    """Seconds since the worst channel was seen first."""
    view = app.view
    since = None if view is None or view.worst is None else view.since(view.worst.key)
    return 0.0 if view is None or since is None else view.snapshot.taken_at - since


async def wait_until(pilot: Pilot[int], condition: Callable[[], bool]) -> None:
    """Raises TimeoutError."""
    deadline = time.monotonic() + WITHIN_S
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"the screen did not come: {condition}")
        await pilot.pause(0.05)


def main(words: Sequence[str]) -> None:
    """All pictures, or those whose names begin with one of the words, of the same situations."""
    with signals_end_in_order(), situations():
        for picture in PICTURES:
            if not words or picture.screen.startswith(tuple(words)):
                asyncio.run(take(picture))


if __name__ == "__main__":
    main(sys.argv[1:])
