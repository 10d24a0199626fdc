"""A number that was given again at once is not taken for what a demo made."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from ipcinspect.demo.watching import Watching
from ipcinspect.inspector import Inspector
from ipcinspect.mechanisms import pty
from ipcinspect.model.channel import Channel
from ipcinspect.model.channel_key import ChannelKey
from ipcinspect.model.process import Process
from tests.fakes import FakeSource, channel, endpoint, process, snapshot

SENDER, RECEIVER, KEEPER, STRANGER = (process(pid) for pid in (11, 12, 10, 99))
PLACE = "pty:[0:26:6]"


def terminal(master: Process | None, slave: Process | None, part: int = 0) -> Channel:
    """Terminal 6; with a part the one that hung up while another has its number."""
    held = [("a", "master", master), ("b", "slave", slave)]
    ends = [endpoint(side, role, holder, 5) for side, role, holder in held if holder is not None]
    id = PLACE.replace("]", ":hung-up]") if part else PLACE
    return channel(6, "pty", "idle", ends, id=id)._replace(key=ChannelKey("pty", 26, 6, part))


def watching(*looks: list[Channel]) -> Watching:
    """Of a pair on that terminal, while the machine shows these channels one after the other."""
    given = SimpleNamespace(sender_fds=(5,), receiver_fds=(5,), sender_args=(), receiver_args=(), files=((26, 9),))
    pair = SimpleNamespace(
        room=pty,
        made=SimpleNamespace(forth=given, back=None),
        sender_pid=SENDER.pid,
        receiver_pid=RECEIVER.pid,
        maker_pid=KEEPER.pid,
    )
    source = FakeSource(*(snapshot(channels) for channels in looks))
    seen = Watching(Inspector(source), pair)  # type: ignore[arg-type]
    found = seen.look().channel
    assert found is not None
    assert found.id == PLACE
    return seen


@pytest.mark.parametrize(
    ("after", "left"),
    [
        ([terminal(STRANGER, STRANGER)], ()),
        ([terminal(STRANGER, None)], ()),
        ([terminal(None, None)], (PLACE,)),
        ([terminal(None, RECEIVER)], (PLACE, "prog 12")),
        ([], ()),
    ],
    ids=["another pair of ends", "half of one", "nobody seen", "its own end", "gone"],
)
def test_what_others_made_since_is_not_left_of_the_pair(after: list[Channel], left: tuple[str, ...]) -> None:
    seen = watching([terminal(SENDER, RECEIVER)], after)
    evidence, told = seen.what_is_left()
    assert told == left
    assert (evidence.channel is not None) == bool(left)


def test_who_held_it_before_the_end_holds_it_still() -> None:
    seen = watching([terminal(SENDER, RECEIVER)], [terminal(SENDER, STRANGER)], [terminal(None, STRANGER)])
    seen.look()
    assert seen.what_is_left()[1] == (PLACE,)


def test_the_number_of_a_terminal_is_not_that_of_its_file() -> None:
    """The file of terminal 6 has inode 9 of the same file system."""
    ninth = channel(9, "pty", "idle", [endpoint("a", "master", STRANGER, 7)])._replace(key=ChannelKey("pty", 26, 9))
    watching([ninth, terminal(SENDER, RECEIVER)])


def test_an_end_that_hung_up_is_found_though_another_terminal_has_its_number() -> None:
    both = [terminal(STRANGER, STRANGER), terminal(None, RECEIVER, part=1)]
    seen = watching([terminal(SENDER, RECEIVER)], both)
    found = seen.look().channel
    assert found is not None
    assert found.id == "pty:[0:26:6:hung-up]"
