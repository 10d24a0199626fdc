"""From observations to what is shown: order, closed channels, the tree, what a process holds, the frame's lines."""

from __future__ import annotations

import random

import pytest

from ipcinspect.inspector import Inspector
from ipcinspect.model.gap import Gap, Sight
from ipcinspect.model.snapshot import Cost, Snapshot, Want
from ipcinspect.model.words import STATES
from ipcinspect.selection import WordError
from ipcinspect.selection.order import Order
from ipcinspect.tui import sorting
from ipcinspect.tui.descriptors import holdings_of
from ipcinspect.tui.doctor_text import doctor_lines
from ipcinspect.tui.drawing import Line
from ipcinspect.tui.glyphs import UNICODE
from ipcinspect.tui.header import Kept, Pulse, header_line, headline
from ipcinspect.tui.tree import build_tree
from ipcinspect.tui.view import Query, View, arrange, remember_closed
from tests.fakes import NOON, FakeSource, channel, endpoint, pipe, process, snapshot

MAKE, TEE, LESS = process(2211, "make", ppid=2209), process(2212, "tee", ppid=2209), process(2213, "less", ppid=2209)
SH = process(2209, "sh", ppid=1)
LIVE = Pulse(1.0, None, None)


def text(line: Line) -> str:
    return "".join(span.text for span in line)


def view_of(*snapshots: Snapshot, query: Query = Query()) -> View:  # noqa: B008
    inspector = Inspector(FakeSource(*snapshots))
    before, last = None, {}
    for _ in snapshots:
        now = inspector.observe(Want())
        last = remember_closed(before, now, last)
        before = now
    return arrange(before, last, query)


def test_worst_stands_first_and_among_equals_the_longest() -> None:
    full, waiting = pipe(1, MAKE, TEE, "full"), channel(2, "unix", "waiting-accept")
    first = snapshot([pipe(3, MAKE, TEE), pipe(4, MAKE, TEE, "full"), waiting])
    second = snapshot([pipe(3, MAKE, TEE), waiting, full, pipe(4, MAKE, TEE, "full")], at=NOON + 60)
    assert [row.key.number for row in view_of(first, second).channels.channels] == [4, 1, 2, 3]


def test_the_headline_names_the_row_on_top_also_where_all_are_full_since_the_same_moment() -> None:
    refusing, brimful = pipe(1, MAKE, TEE, "full", 48000), pipe(2, TEE, LESS, "full", 65536)
    shown = view_of(snapshot([refusing, brimful]))
    assert shown.worst == shown.channels.channels[0] == brimful


def test_a_closed_channel_keeps_its_place_and_then_goes() -> None:
    full, idle = pipe(1, MAKE, TEE, "full"), pipe(2, MAKE, TEE)
    looks = [snapshot([full, idle]), snapshot([idle], at=NOON + 1), snapshot([idle], at=NOON + 9)]
    rows = view_of(*looks).channels
    assert [(row.key.number, row.state) for row in rows.channels] == [(1, "closed"), (2, "idle")]
    assert len(view_of(*looks, snapshot([idle], at=NOON + 12)).channels) == 1


def test_the_filter_and_its_complaint() -> None:
    shown = view_of(snapshot([pipe(1, MAKE, TEE, "full"), pipe(2, MAKE, TEE)]), query=Query(("state:full",)))
    assert [row.key.number for row in shown.channels.channels] == [1]
    with pytest.raises(WordError, match="stat"):
        view_of(snapshot([]), query=Query(("stat:full",)))


@pytest.mark.parametrize("order", [Order("worst", False), Order("worst", True), Order("queued", False)])
def test_a_gentle_sort_is_the_same_sort(order: Order) -> None:
    dice = random.Random(5)
    some = [channel(dice.randrange(10**6), "pipe", dice.choice(STATES), queued=dice.randrange(9)) for _ in range(9000)]
    some += [pipe(10**6 + number, MAKE, MAKE) for number in range(50)]
    some = list({one.key: one for one in some}.values())
    since = {one.key: float(dice.randrange(5)) for one in some}
    assert len(some) > sorting.FEW
    assert sorting.sorted_gently(order, some, since) == order.sorted(some, since)


def test_the_headline_says_what_is_full_and_never_that_nothing_is_stuck() -> None:
    calm = view_of(snapshot([pipe(2, MAKE, TEE)]))
    assert text(headline(calm, LIVE, None, 79, UNICODE)).strip() == "● no channel is full"
    looks = [snapshot([pipe(1, MAKE, TEE, "full"), pipe(2, TEE, LESS, "full")], at=NOON + at) for at in (0, 131)]
    line = text(headline(view_of(*looks), LIVE, None, 79, UNICODE)).strip()
    assert line == "■ 2 channels are full  make 2211/1 ━┫ tee 2212/0 for 2m10"


def test_a_filter_leaves_in_the_headline_that_channels_are_full() -> None:
    full = view_of(snapshot([pipe(1, MAKE, TEE, "full"), channel(2, "unix", "half-closed")]))
    for width, shown in ((79, "1 channel is full"), (119, "1 channel is full   ▲ 1 half-closed   make 2211/1 ━┫ tee")):
        line = text(headline(full, LIVE, Kept(("kind:pipe",), 1, 2, "channel"), width, UNICODE))
        assert "/ kind:pipe  1 of 2 channels" in line
        assert shown in line


def test_unknown_states_are_told_but_are_no_trouble() -> None:
    unsure = view_of(snapshot([channel(1, "unix", "unknown"), channel(2, "unix", "unknown")]))
    assert text(headline(unsure, LIVE, None, 79, UNICODE)).strip() == "● no channel is full   ? 2 unknown"


@pytest.mark.parametrize(
    ("width", "uid", "shown"),
    [
        (120, 1000, "build7  Linux 6.1.0-18  ana (not root)  3 procs  1 channel  ▲ 1 hidden: run as root"),
        (80, 1000, "build7  ana  3 procs  1 channel  ▲ 1 hidden: run as root"),
        (60, 1000, "build7  ana  ▲ 1 hidden: run as root"),
        (40, 1000, "build7  ana  ▲ 1 hidden"),
        (80, 0, "build7  Linux 6.1.0-18  root  3 procs  1 channel  ▲ 1 hidden"),
    ],
)
def test_the_header_drops_what_matters_least(width: int, uid: int, shown: str) -> None:
    seen = snapshot([pipe(1, MAKE, TEE)], [process(5, "secret", readable=False)], uid=uid)
    line = text(header_line(seen, LIVE, width, UNICODE))
    assert line.split("●")[0].strip() == shown
    assert line.endswith("● live 1s ")
    assert len(line) == width


def test_paused_and_stale_are_told() -> None:
    seen = snapshot([])
    assert text(header_line(seen, Pulse(1.0, 12.3, None), 80, UNICODE)).endswith("‖ paused 12s ")
    assert "▲ stale since" in text(header_line(seen, Pulse(1.0, None, "no /proc"), 80, UNICODE))
    assert "cannot look: no /proc" in text(headline(view_of(seen), Pulse(1.0, None, "no /proc"), None, 79, UNICODE))


def test_the_tree_stands_parents_above_children_with_the_worst_they_hold() -> None:
    threads = process(2, "kthreadd", kernel_thread=True, ppid=0)
    init = process(1, "systemd")
    tree = build_tree(snapshot([pipe(1, MAKE, TEE, "full")], [init, SH, LESS, threads]))
    assert [text(tree.line(place, 30, False, UNICODE)).rstrip() for place in range(len(tree))] == [
        " ○ systemd 1",
        " ○ └─sh 2209",
        " ■   ├─make 2211",
        " ■   ├─tee 2212",
        " ○   └─less 2213",
    ]


def test_a_filtered_tree_keeps_ancestors_and_shows_kernel_threads() -> None:
    threads = process(2, "kthreadd", kernel_thread=True, ppid=0)
    seen = snapshot([], [process(1, "systemd"), SH, LESS, MAKE, threads])
    assert [twig.process.comm for twig in build_tree(seen, ("less",)).twigs] == ["systemd", "sh", "less"]
    assert [twig.process.comm for twig in build_tree(seen, ("kthr",)).twigs] == ["kthreadd"]


def test_processes_that_claim_each_other_as_parents_are_still_shown() -> None:
    seen = snapshot([], [process(10, "a", ppid=11), process(11, "b", ppid=10), process(12, "c", ppid=12)])
    assert [twig.process.comm for twig in build_tree(seen).twigs] == ["c", "a", "b"]


def test_a_process_shows_its_descriptors_and_what_it_attached() -> None:
    memory = channel(
        7, "sysv-shm", "idle", [endpoint("a", "attached", MAKE), endpoint("a", "attached", TEE)], queues=[]
    )
    seen = snapshot([pipe(1, MAKE, TEE, "full", 65536), memory])
    rows = holdings_of(2211, seen, build_tree(seen))
    lines = [" ".join(text(rows.line(place, 79, False, UNICODE)).split()) for place in range(len(rows))]
    assert lines == [
        "1 ━┫ pipe pipe:[1] ■ full ━━━━━ 64.0K tee 2212/0",
        "- ══ sysv-shm sysv-shm:[7] ○ idle - 64.0K tee 2212",
    ]


def test_the_doctor_tells_sights_gaps_and_costs() -> None:
    sights = [Sight("processes", "partly", "150 of 164 can be read.", "run as root")]
    seen = snapshot([], gaps=[Gap("descriptors of processes", "denied", 14)], costs=[Cost("pipe", 0.002)])
    lines = "\n".join(text(line) for line in doctor_lines(seen, sights, 79, UNICODE))
    for expected in ("▲ partly  processes", "→ run as root", "14  descriptors of processes  (denied)", "2.0 ms"):
        assert expected in lines


def test_a_deep_tree_cuts_names_and_never_numbers() -> None:
    chain = [process(1000 + depth, "a-rather-long-name", ppid=999 + depth) for depth in range(12)]
    rows = build_tree(snapshot([], chain))
    for place, one in enumerate(chain):
        line = "".join(span.text for span in rows.line(place, 34, False, UNICODE))
        assert line.rstrip().endswith(f" {one.pid}"), line
