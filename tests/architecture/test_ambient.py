"""The /proc root, the clock and the environment are arguments: a test, a recording or another host gives others."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from tests.architecture.program import Use, files, names_used, short, texts

BELOW_CLI = [path for path in files() if not short(path).startswith("cli/") and short(path) != "__main__.py"]

CLOCKS = {"time.time", "time.time_ns", "datetime.datetime.now", "datetime.datetime.utcnow", "datetime.date.today"}
ENVIRONMENT = {"os.environ", "os.environb", "os.getenv", "os.getenvb"}
PROC = re.compile(r"/proc(/\S*)?\Z")
"""The root as a path in the source; a sentence that mentions it has blanks."""

PROC_IS_CHOSEN_IN = {
    "sources/live.py": "the live source of this machine",
    "demo/checking.py": "a demo makes its channel on this machine, within the limits of this machine",
}
CLOCK_IS_CHOSEN_IN = {
    "sources/live.py": "the live source of this machine",
    "tui/options.py": "a default of ScreenOptions: the screen dates when it was paused",
}


def test_only_the_live_source_knows_where_proc_is() -> None:
    found = [use for path in BELOW_CLI for use in texts(path) if PROC.match(use.name)]
    assert not _outside(PROC_IS_CHOSEN_IN, found)
    assert {use.file for use in found} == set(PROC_IS_CHOSEN_IN)


def test_only_named_places_choose_the_wall_clock() -> None:
    found = [use for path in BELOW_CLI for use in names_used(path) if use.name in CLOCKS]
    assert not _outside(CLOCK_IS_CHOSEN_IN, found)
    assert {use.file for use in found} == set(CLOCK_IS_CHOSEN_IN)


def test_nothing_below_the_command_line_reads_the_environment() -> None:
    found = [
        use
        for path in BELOW_CLI
        for use in names_used(path)
        for name in ENVIRONMENT
        if use.name == name or use.name.startswith(name + ".")
    ]
    assert not _outside({}, found)


def _outside(allowed: Collection[str], found: Iterable[Use]) -> list[str]:
    return [str(use) for use in found if use.file not in allowed]
