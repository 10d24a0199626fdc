"""Pictures of the screens: what no assertion can say. Regenerate with --snapshot-update and look at them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from ipcinspect.model.channel import Queue
from ipcinspect.model.contents import Contents, Piece
from ipcinspect.model.gap import Gap, Sight
from ipcinspect.model.snapshot import Cost, Snapshot
from ipcinspect.model.wait import Awaited, ThreadKey
from ipcinspect.sources import Detail, Details
from ipcinspect.tui import feed
from ipcinspect.tui.ipc_app import IpcApp
from ipcinspect.tui.options import ScreenOptions
from ipcinspect.tui.screens.compare import CompareScreen
from tests.diagnosis.builders import look, reads, wait, writes
from tests.fakes import NOON, FakeSource, channel, endpoint, pipe, process, snapshot
from tests.tui.frozen_comparison import FrozenComparison
from tests.tui.frozen_walk import PIPE, begin_frozen

Compare = Callable[..., bool]


def machine(at: float) -> Snapshot:
    init, sshd = process(1, "systemd", uid=0), process(790, "sshd", ppid=1, uid=0)
    bash, sh = process(812, "bash", ppid=790), process(2209, "sh", ppid=812)
    make, tee, less = (process(2211 + n, name, ppid=2209) for n, name in enumerate(("make", "tee", "less")))
    nginx = [process(4401 + n, "nginx", ppid=4401 if n else 1, uid=33) for n in range(3)]
    fpm = [process(4409 + n, "php-fpm", ppid=4409 if n else 1, uid=33, container="docker:1f2e") for n in range(3)]
    postgres = [process(5120 + n, "postgres", ppid=5120 if n else 1, uid=70) for n in range(8)]
    ends = [endpoint("a", "writer", make, 1), endpoint("a", "writer", sh, 5), endpoint("b", "reader", tee, 0)]
    app, server = process(901, "app"), process(880, "server")
    sock, sock_fpm = "/run/app.sock", "/run/php/fpm.sock"
    waiting = [endpoint("b", "listener", server, 3, 7, sock), endpoint("a", "client", app, 7)]
    queue = [endpoint("a", "writer", process(77, "loader")), endpoint("b", "reader", app)]
    far = [endpoint("a", "client", app, 14), endpoint("b", "server", None, address="10.0.0.9:1")]
    channels = [
        channel(48213, "pipe", "full", ends, queued=65536),
        pipe(48217, tee, less, "full", 48000),
        channel(7, "unix", "waiting-accept", waiting,
                name=sock, queues=[Queue("b", None, 1)], capacity=None),
        channel(8, "tcp", "half-closed", [endpoint("a", "client", process(1450, "gunicorn"), 8, 8, "127.0.0.1:8080")],
                name="127.0.0.1:8080", queues=[Queue("b", 0), Queue("a", 0)], capacity=None),
        channel(9, "sysv-shm", "orphaned", name="0x5151", id="sysv-shm:9", capacity=16 << 20, queues=[]),
        channel(10, "unix", "flowing", [endpoint("a", "client", nginx[1], 12), endpoint("b", "server", fpm[1], 9)],
                name=sock_fpm, queues=[Queue("b", 67686, fill=0.32), Queue("a", 0, fill=0.0)], capacity=None),
        channel(12, "sysv-msg", "holding", queue,
                name="0x77", id="sysv-msg:7", queued=4000, messages=12, capacity=16384),
        channel(13, "posix-shm", "idle", [endpoint("a", "attached", each) for each in postgres],
                name="/PostgreSQL.1948012345", capacity=128 << 20, queues=[]),
        channel(14, "unix", "listening", [endpoint("b", "listener", each, 7) for each in fpm],
                name=sock_fpm, queues=[Queue("b", None, 0)], capacity=None),
        channel(16, "tcp", "unknown", far,
                name="10.0.0.9:1", queues=[Queue("b", 0), Queue("a", 0)], capacity=None),
        *(pipe(23310 + n, sshd, bash) for n in range(30)),
    ]  # fmt: skip
    return snapshot(
        channels,
        [init, sshd, bash, sh, *nginx, *fpm, process(666, "[/red]\x1b[5m", readable=False, uid=0)],
        at=at,
        gaps=[Gap("descriptors of processes", "denied", 14)],
        sights=[
            Sight("processes", "partly", "descriptors of 150 of 164 processes can be read", "run as root"),
            Sight("sock_diag", "yes", "peers and queues of sockets are told", None),
            Sight("pidfd_getfd", "no", "how full pipes are cannot be asked", "run as root"),
        ],
        costs=[Cost("processes", 0.010), Cost("pipe", 0.002), Cost("unix", 0.0003)],
    )


def knots(at: float) -> Snapshot:
    """A pipeline before a pager, and two that wait for each other."""
    sh = process(2209, "sh")
    make, tee, less = (process(2211 + n, name, ppid=2209) for n, name in enumerate(("make", "tee", "less")))
    one, other = process(3301, "python3"), process(3302, "python3")
    first, second = pipe(48213, make, tee, "full", 65536), pipe(48217, tee, less, "full", 65536)
    there, back = pipe(50112, one, other, "full", 65536), pipe(50114, other, one, "full", 65536)
    terminal = channel(4, "pty", "idle", [endpoint("b", "slave", less, 3)], name="/dev/pts/4", queued=None)
    slot = Awaited("child", processes=(make.key,))
    waits = [
        wait(ThreadKey(sh.key, sh.pid), "wait4", slot, told="wait4(2211)", wchan="do_wait"),
        *(writes(who, pipe, 1)._replace(told="write(1, 65536)", wchan="pipe_write")
          for who, pipe in ((make, first), (tee, second), (one, there), (other, back))),
        reads(less, terminal, 3)._replace(told="read(3)", wchan="n_tty_read"),
    ]  # fmt: skip
    steady = [each._replace(switches=7) for each in waits]
    return replace(look([first, second, there, back, terminal], steady, [sh]), taken_at=at)


def calm(at: float) -> Snapshot:
    rest = pipe(7, process(77, "loader"), process(78, "worker"))
    return replace(look([rest], [reads(process(78, "worker"), rest, 0)]), taken_at=at)


MACHINES = {"everything": machine, "knots": knots, "calm": calm}
PICTURES = {
    "channels-80x24": ((80, 24), (), {}),
    "channels-120x40-panel": ((120, 40), ("down", "down", "tab"), {}),
    "channels-120x40-fields": ((120, 40), ("right",) * 5, {}),
    "channels-80x24-life": ((80, 24), ("right",), {}),
    "channels-ascii-life": ((80, 24), ("right",), {"ascii": True}),
    "channels-80x24-offer": ((80, 24), ("p",), {}),
    "channels-80x24-contents": ((80, 24), ("p", "p", "tab"), {}),
    "channels-120x40-hex": ((120, 40), ("p", "p", "x"), {}),
    "channels-no-color-contents": ((80, 24), ("p", "p"), {"no_color": True}),
    "channels-200x50": ((200, 50), (), {}),
    "channels-ansi-light": ((80, 24), (), {"theme": "ansi-light"}),
    "channels-no-color": ((80, 24), (), {"no_color": True}),
    "channels-ascii": ((80, 24), (), {"ascii": True}),
    "channels-bad-filter": ((80, 24), ("slash", *"state:fall"), {}),
    "channels-paused-none-match": ((80, 24), ("space", "slash", *"state:closed", "enter"), {}),
    "processes-80x24": ((80, 24), ("2",), {}),
    "processes-120x40": ((120, 40), ("2", "o"), {}),
    "channels-80x24-deadlock": ((80, 24), (), {"source": "knots"}),
    "stuck-80x24-cycle": ((80, 24), ("3",), {"source": "knots"}),
    "stuck-120x40-chain": ((120, 40), ("3", "down"), {"source": "knots"}),
    "stuck-80x24-none": ((80, 24), ("3",), {"source": "calm", "no_color": True}),
    "findings-120x40": ((120, 40), ("4",), {"source": "knots"}),
    "doctor-80x24": ((80, 24), ("7",), {}),
    "help-120x60": ((120, 60), ("question_mark",), {}),
}


@pytest.fixture(autouse=True)
def clocks_of_one_zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Wall times in the pictures are local; and each look reads waits, however fast one follows the other."""
    monkeypatch.setattr(feed, "WAITS_EVERY_S", 0.0)
    monkeypatch.setenv("TZ", "UTC0")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize("name", PICTURES)
def test_picture(name: str, snap_compare: Compare) -> None:
    size, keys, options = PICTURES[name]
    assert snap_compare(_app(options), terminal_size=size, run_before=_at_work(keys))


DEMOS = {
    "demo-80x24-stage3": ((80, 24), PIPE, 3),
    "demo-80x24-fault": ((80, 24), PIPE._replace(fault="receiver-killed"), 3),
    "demo-120x40-stage7": ((120, 40), PIPE, 7),
}
"""By name: the size, what is walked, and through how many stages."""


@pytest.mark.parametrize("name", DEMOS)
def test_picture_of_a_demo(name: str, snap_compare: Compare) -> None:
    size, plan, stages = DEMOS[name]

    async def walk(pilot: Pilot[int]) -> None:
        app = pilot.app
        assert isinstance(app, IpcApp)
        await _at_work(("5",))(pilot)
        app.demo_page.choose(plan)
        for _ in range(stages):
            told = len(app.demo_page.scene().lines)
            await pilot.press("n")
            while len(app.demo_page.scene().lines) == told:
                await pilot.pause(0.02)
        await pilot.pause(0.1)

    assert snap_compare(_app({"begin_demo": begin_frozen}), terminal_size=size, run_before=walk)


COMPARISONS = {"compare-80x24": (80, 24), "compare-120x40": (120, 40)}
"""The smaller one while it measures, the larger one with the answers."""


@pytest.mark.parametrize("name", COMPARISONS)
def test_picture_of_a_comparison(name: str, snap_compare: Compare) -> None:
    frozen = FrozenComparison()

    async def measure(pilot: Pilot[int]) -> None:
        app = pilot.app
        assert isinstance(app, IpcApp)
        await _at_work(("5", "C"))(pilot)
        if name == "compare-120x40":
            frozen.may_go_on.set()
        while not (isinstance(app.screen, CompareScreen) and app.screen.compared is not None):
            await pilot.pause(0.02)
        while "120" in name and not app.screen.compared.is_over:
            await pilot.pause(0.02)
        await pilot.pause(0.1)

    app = _app({"begin_comparison": lambda quick: frozen})
    assert snap_compare(app, terminal_size=COMPARISONS[name], run_before=measure)
    frozen.may_go_on.set()


def test_every_picture_that_is_kept_is_compared() -> None:
    kept = Path(__file__).parent / "__snapshots__" / Path(__file__).stem
    taken = [*(f"test_picture[{name}]" for name in PICTURES), *(f"test_picture_of_a_demo[{name}]" for name in DEMOS)]
    taken += [f"test_picture_of_a_comparison[{name}]" for name in COMPARISONS]
    assert {picture.name for picture in kept.iterdir()} == {f"{name}.svg" for name in taken}


def _app(options: dict[str, Any]) -> IpcApp:
    options = dict(options)
    seen = MACHINES[options.pop("source", "everything")]
    facts = (Detail("status", "sleeping", None, "psutil"), Detail("memory", 14 << 20, "bytes", "psutil"))
    known = {end.process.key: Details(facts) for row in machine(NOON).channels for end in row.endpoints if end.process}
    pipe_key = machine(NOON).channels[0].key
    details = {**known, pipe_key: Details((), {(2211, 1): "cloexec", (2209, 5): "block", (2212, 0): "block"})}
    log = b'cc -O2 main.c\n{"step": 1}\n\x1b[33mwarning:\x1b[0m unused \xff\n' + b"ld " * 60 + b"\n"
    contents = {pipe_key: Contents((Piece(log, 4096),), "tee(2) through descriptor 0 of tee 2212", 65536)}
    source = FakeSource(seen(NOON), seen(NOON + 130), details=details, contents=contents)
    return IpcApp(source, ScreenOptions(interval=1000.0, clock=lambda: NOON + 130, **options))


def _at_work(keys: tuple[str, ...]) -> Callable[[Pilot[int]], Any]:
    async def work(pilot: Pilot[int]) -> None:
        app = pilot.app
        assert isinstance(app, IpcApp)

        async def shown(at: float) -> None:
            while app.view is None or app.view.snapshot.taken_at < at:
                await pilot.pause(0.02)

        await shown(NOON)
        app.feed.wake(look=True)
        await shown(NOON + 130)
        for key in keys:
            await pilot.press(key)
            while app.feed.wishes.peek is not None and not app.page.is_informed:
                await pilot.pause(0.02)
        while app.page.chosen_key() is not None and not app.page.is_informed:
            await pilot.pause(0.02)
        while app.view is None or app.view.query != app.feed.wishes.query:
            await pilot.pause(0.02)
        await pilot.pause(0.1)

    return work
