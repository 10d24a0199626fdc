"""What a row says of a channel."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from ipcinspect.mechanisms import fields_of
from ipcinspect.model.channel import Channel, Namespaces, Queue
from ipcinspect.model.words import STATES as STATE_WORDS
from ipcinspect.selection.order import SEVERITY_OF_STATE
from ipcinspect.sources import CameBy, Details
from ipcinspect.tui import figures, wording
from ipcinspect.tui.columns import columns, head_line, row_line
from ipcinspect.tui.drawing import bar, clip, clip_name, length, wrap
from ipcinspect.tui.ends import absent_at, ends_of, seen_by
from ipcinspect.tui.fields import EndRows, Subject
from ipcinspect.tui.glyphs import ASCII, UNICODE, Glyphs
from ipcinspect.tui.states import STATES, label
from ipcinspect.tui.wording import Row
from tests.fakes import HOSTILE_NAMES, channel, endpoint, pipe, process, snapshot

MAKE, TEE, SH = process(2211, "make"), process(2212, "tee"), process(2209, "sh")

TO_FAR, FAR = endpoint("a", "client", MAKE, 3), endpoint("b", "server", None, address="[::1]:5")


def told(one: Channel, width: int = 79, glyphs: Glyphs = UNICODE, since: float | None = 0.0, now: float = 130.0) -> str:
    line = row_line(Row(one, since, now, False), ends_of(one), width, glyphs)
    return "".join(span.text for span in line)


@pytest.mark.parametrize("width", [79, 109, 119, 200])
def test_namespaces_have_a_column_where_there_is_room_and_something_to_tell(width: int) -> None:
    one = channel(1, "unix", namespaces=Namespaces(net=4026532281))
    for spaces in (False, True):
        line = row_line(Row(one, 0.0, 130.0, False, "net 4026532281"), ends_of(one), width, UNICODE, spaces)
        shown = spaces and width > 100
        assert ("net 4026532281" in "".join(span.text for span in line)) == shown
        head = "".join(span.text for span in head_line(width, "worst", False, UNICODE, spaces))
        assert (" NS " in head) == shown
        assert length(line) <= width + 1
        assert length(line) == length(row_line(Row(one, 0.0, 130.0, False), ends_of(one), width, UNICODE, False))


def segment(attached: int, seen: int, role: str) -> Channel:
    """A System V segment with so many attachments, some of them seen, and one end."""
    names = [field.name for field in fields_of("sysv-shm")]
    values = {"attached": attached, "attached_seen": seen}
    return channel(1, "sysv-shm", "idle", [endpoint("a", role, MAKE)], fields=[values.get(name) for name in names])


def test_a_process_is_not_called_alone_with_what_another_one_holds_unseen() -> None:
    assert seen_by(segment(2, 1, "attached"), 2211, None).other.absent == "hidden"
    assert seen_by(segment(1, 1, "attached"), 2211, None).other.absent == "only itself"


@pytest.mark.parametrize(
    ("pid", "at", "shown"), [(None, 1.0, "(hidden)"), (None, None, "(nobody)"), (2211, 1.0, "(nobody)")]
)
def test_a_queue_used_from_a_pid_namespace_that_is_not_seen_has_a_hidden_user(
    pid: int | None, at: float | None, shown: str
) -> None:
    values = {"lspid": pid, "stime": at}
    one = channel(1, "sysv-msg", "holding", fields=[values.get(each.name) for each in fields_of("sysv-msg")], queued=3)
    assert f"{shown} ─► (nobody)" in " ".join(told(one).split())


def test_a_full_pipe_runs_into_a_wall() -> None:
    full = pipe(48213, MAKE, TEE, "full", 65536)
    assert " ".join(told(full).split()) == "pipe ■ full ━━━━━ 64.0K make 2211/1 ━┫ tee 2212/0 2m10"


def test_a_pipe_that_refuses_before_it_is_full_is_red_but_not_drawn_full() -> None:
    spans = wording.fill_cell(Row(pipe(1, MAKE, TEE, "full", 48000), 0, 0, False), 5, UNICODE)
    assert [(span.text, span.role) for span in spans] == [("━━━╸", "error"), ("┈", "faint")]


def test_more_holders_of_a_side_are_counted_and_the_youngest_is_named() -> None:
    ends = [endpoint("a", "writer", SH, 5), endpoint("a", "writer", MAKE, 1), endpoint("b", "reader", TEE, 0)]
    assert "make 2211/1 +1" in told(channel(1, "pipe", ends=ends))


def test_processes_that_may_all_send_and_receive_face_each_other_without_a_direction() -> None:
    ends = [endpoint("a", "both", MAKE, 3), endpoint("a", "both", TEE, 3), endpoint("a", "both", SH, 4)]
    shown = told(channel(1, "posix-mq", ends=ends))
    assert shown.split("0 ", 1)[1].split() == ["sh", "2209/4", "◄►", "tee", "2212/3", "+1", "2m10"]
    assert seen_by(channel(1, "posix-mq", ends=ends), 2211, 3).other.others == 1
    alone = told(channel(1, "posix-mq", ends=ends[:1]))
    assert alone.count("make 2211/3") == 2


def test_how_a_holder_came_by_its_descriptor_is_read_from_the_start_also_where_it_is_cut() -> None:
    one = pipe(1, process(2211, "a-rather-long-name"), TEE, "full")
    came = {(2212, 0): CameBy("parent", process(2211, "a-rather-long-name"), 1)}
    seen = snapshot([one])
    rows = EndRows(Subject(one, seen, None, Details((), {}, came), True))
    lines = ["".join(span.text for span in rows.line(place, 200, False, UNICODE)) for place in range(len(rows))]
    assert any("  shared with parent a-rather-long-name" in line for line in lines)


def test_a_process_that_holds_an_end_twice_is_one_holder() -> None:
    ends = [endpoint("a", "writer", MAKE, 1), endpoint("a", "writer", MAKE, 5), endpoint("b", "reader", TEE, 0)]
    assert "+" not in told(channel(1, "pipe", ends=ends))


@pytest.mark.parametrize(
    ("one", "shown"),
    [
        (pipe(1, None, TEE, "no-writer"), "(no writer)"),
        (pipe(1, MAKE, None, "no-reader"), "(no reader)"),
        (pipe(1, MAKE, None, "unknown"), "(none seen)"),
        (pipe(1, MAKE, None, "idle"), "(hidden)"),
        (channel(1, "sysv-shm", "orphaned"), "(nobody)"),
        (channel(1, "posix-shm", "unknown"), "(none seen)      ══ (none seen)"),
        (channel(1, "posix-shm", "marked-for-deletion", [endpoint("a", "holder", MAKE, 3)]), "─× (none seen)"),
        (channel(1, "sysv-sem", "idle", [endpoint("a", "both", MAKE)]), "══ (none seen)"),
        (segment(2, 0, "creator"), "══ (hidden)"),
        (segment(2, 1, "attached"), "══ (hidden)"),
        (segment(1, 1, "attached"), "══ (only itself)"),
        (channel(1, "tcp", "half-closed", [endpoint("a", "client", MAKE, 3)]), "(peer closed)"),
        (channel(1, "udp", "idle", [endpoint("b", "reader", MAKE, 3)]), "─○ (anybody)"),
        (channel(1, "unix", "listening", [endpoint("b", "listener", MAKE, 3)]), "─○ (accepting)"),
        (channel(1, "mmap", "idle", [endpoint("a", "attached", MAKE)]), "══ (none seen)"),
        (channel(1, "mmap", "idle", [endpoint("a", "attached", MAKE)])._replace(all_seen=True), "══ (only itself)"),
        (channel(1, "tcp", "idle", [TO_FAR, FAR]),
         "─► [::1]:5"),
    ],
)  # fmt: skip
def test_an_absent_end_says_why(one: Channel, shown: str) -> None:
    assert shown in told(one)


@pytest.mark.parametrize("mechanism", ["memfd", "posix-shm", "shared-anon", "mmap", "eventfd"])
def test_a_process_is_called_alone_only_where_nobody_can_hide(mechanism: str) -> None:
    one = channel(1, mechanism, "idle", [endpoint("a", "attached", MAKE)])
    for channel_told, word in ((one, "none seen"), (one._replace(all_seen=True), "only itself")):
        assert seen_by(channel_told, 2211, None).other.absent == word
        assert absent_at(channel_told, "b") == word
        assert absent_at(channel_told, "a") == ""


def test_the_word_for_a_side_is_the_one_that_the_row_has_wherever_that_side_is_drawn() -> None:
    listener = channel(1, "unix", "listening", [endpoint("b", "listener", MAKE, 3)])
    assert (absent_at(listener, "a"), absent_at(listener, "b")) == ("accepting", "")
    receiver = channel(1, "udp", "idle", [endpoint("b", "reader", MAKE, 3)])
    assert absent_at(receiver, "a") == "anybody"
    lock = channel(1, "file-lock", "idle", [endpoint("b", "holder", MAKE, 3)])
    assert absent_at(lock, "a") == "nobody waits"
    queue = channel(1, "sysv-msg", "holding", queued=3)
    assert (absent_at(queue, "a"), absent_at(queue, "b")) == ("nobody", "nobody")
    ends = [endpoint("a", "client", MAKE, 3), endpoint("b", "server", None)]
    full = channel(1, "tcp", "full", ends, queues=[Queue("a", 9, fill=1.0), Queue("b", 0, fill=0.0)])
    assert (absent_at(full, "a"), absent_at(full, "b")) == ("", "hidden")


def test_a_waiting_client_stands_before_the_listener_that_does_not_accept_it() -> None:
    ends = [endpoint("b", "listener", process(880, "server"), 3), endpoint("a", "client", process(901, "app"), 7)]
    waiting = channel(1, "unix", "waiting-accept", ends, queues=[Queue("b", None, 1)])
    assert "app 901/7 ━┫ server 880/3" in " ".join(told(waiting).split())
    assert "▲ waiting" in told(waiting)


def test_the_blocked_end_of_a_pair_stands_at_the_left() -> None:
    ends = [endpoint("a", "client", MAKE, 3), endpoint("b", "server", TEE, 4)]
    full = channel(1, "unix", "full", ends, queues=[Queue("a", 9000, fill=1.0), Queue("b", 0, fill=0.0)])
    assert "tee 2212/4 ━┫ make 2211/3" in " ".join(told(full).split())


def test_a_reader_sees_the_wire_come_in() -> None:
    moving = pipe(1, MAKE, TEE, "flowing", 3)
    assert seen_by(moving, 2212, 0).wire == "from moving"
    assert seen_by(moving, 2211, 1).wire == "to moving"
    assert seen_by(pipe(1, MAKE, TEE, "full", 65536), 2211, 1).wire == "blocked"


@pytest.mark.parametrize(
    ("one", "shown"),
    [
        (channel(1, "sysv-msg", queued=4000, messages=12), "12 msg"),
        (channel(1, "sysv-shm", queues=[], capacity=16 << 20), "16.0M"),
        (channel(1, "posix-sem", queues=[], fields=(0,)), "val 0"),
        (channel(1, "posix-sem", queues=[], fields=(2147483647,)), "val 2G"),
        (channel(1, "posix-sem", queues=[], fields=(None,)), "?"),
        (channel(1, "unix", queues=[Queue("b", None, memory_bytes=4608)]), "<4.5K"),
        (channel(1, "udp", queues=[Queue("b", None, next_message_bytes=512)]), "512B+"),
        (channel(1, "unix", queues=[Queue("b", None)]), "?"),
        (channel(1, "pipe", queued=0), "0"),
    ],
)
def test_what_is_queued_says_its_unit(one: Channel, shown: str) -> None:
    assert wording.queued(one) == shown
    assert len(shown) <= 6


@pytest.mark.parametrize("state", STATE_WORDS)
def test_every_state_has_a_look_that_fits_its_column(state: str) -> None:
    assert state in STATES
    assert len(label(state, 11)) <= 9
    assert len(label(state, 13)) <= 11


def test_marks_follow_severity() -> None:
    for state, severity in SEVERITY_OF_STATE.items():
        assert (STATES[state].role in ("error", "warning")) == (severity.role in ("error", "warning")), state


@pytest.mark.parametrize("name", HOSTILE_NAMES)
@pytest.mark.parametrize("glyphs", [UNICODE, ASCII])
@pytest.mark.parametrize("width", [60, 79, 119, 139])
def test_no_name_breaks_the_line(name: str, glyphs: Glyphs, width: int) -> None:
    ends = [endpoint("a", "client", process(1, name), 3), endpoint("b", "server", process(2, name * 9), 4)]
    line = told(channel(1, "unix", "idle", ends, name="/tmp/" + name), width, glyphs)
    assert cell_len(line) == width
    assert all(char.isprintable() for char in line)
    assert glyphs is not ASCII or line.isascii()


def test_only_the_name_of_a_holder_is_cut() -> None:
    end = endpoint("a", "client", process(4194304, "systemd-resolved"), 1023)
    assert wording.holder(end, 12, 20, UNICODE) == "sy… 4194304/1023 +12"
    assert wording.holder(end, 0, 12, UNICODE) == "4194304/1023"


def test_a_path_is_cut_at_its_left() -> None:
    assert clip_name("/var/run/php/fpm.sock", 12, UNICODE) == "…hp/fpm.sock"
    assert clip_name("127.0.0.1:5432", 8, UNICODE) == "127.0.0…"
    assert clip("日本語", 4, UNICODE) == "日… "


@pytest.mark.parametrize("width", [79, 119, 139])
def test_columns_fill_the_line(width: int) -> None:
    assert length(head_line(width, "worst", False, UNICODE)) == width
    assert ("NAME" in [placed.column.title for placed in columns(width)]) == (width > 100)


def test_a_bar_is_never_empty_above_zero_and_never_full_below_one() -> None:
    assert "".join(span.text for span in bar(0.0001, 5, "accent", UNICODE)) == "╸┈┈┈┈"
    assert "".join(span.text for span in bar(0.9999, 5, "accent", UNICODE)) == "━━━━╸"
    assert "".join(span.text for span in bar(0.9999, 5, "accent", ASCII)) == "####+"


@pytest.mark.parametrize(
    ("amount", "shown"),
    [(None, "?"), (0, "0"), (17, "17 B"), (3174, "3.1K"), (65536, "64.0K"), (128 << 20, "128M"), (1023 << 10, "1.0M")],
)
def test_sizes(amount: int | None, shown: str) -> None:
    assert figures.size(amount) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0.44, "0.4s"), (41, "41s"), (130, "2m10"), (3900, "1h05"), (274000, "3d04"), (12 * 86400, "12d"), (9e7, "2y")],
)
def test_ages(seconds: float, shown: str) -> None:
    assert figures.age(seconds) == shown


def test_an_age_nobody_points_at_moves_every_ten_seconds_and_from_an_hour_on_every_minute() -> None:
    assert [figures.steady_age(age) for age in (3, 10, 19.9, 20, 139)] == ["<10s", "10s", "10s", "20s", "2m10"]
    assert figures.steady_age(3600) == figures.steady_age(3659) == "1h00"


def test_sentences_wrap_between_words_and_break_what_is_too_long() -> None:
    assert wrap("one two three", 7) == ["one two", "three"]
    assert wrap("日本語日本語", 4) == ["日本", "語日", "本語"]


def test_an_end_that_exists_is_hidden_and_one_that_does_not_is_named_for_what_it_is() -> None:
    here = endpoint("a", "both", process(5), 3, 7)
    peer, placeholder = endpoint("b", "both", None, None, 8), endpoint("b", "reader", None)
    for state, ends, told in (
        ("idle", [here, peer], "hidden"),
        ("half-closed", [here, peer], "hidden"),
        ("idle", [here], "not connected"),
        ("half-closed", [here], "peer closed"),
        ("no-reader", [here, placeholder], "no reader"),
    ):
        assert ends_of(channel(7, "unix", state, ends=ends)).right.absent == told
