"""Whether a demo can be put on a channel, and whose the channel is: known before anything is done to it."""

from __future__ import annotations

import os
import stat

import pytest

from ipcinspect.demo.attaching import Wish, attach, stranger_of
from ipcinspect.demo.checking import PlanError
from ipcinspect.demo.path_facts import facts_of
from ipcinspect.demo.plan import Plan
from ipcinspect.demo.process import DemoError
from ipcinspect.kernel.libc import FileFacts
from ipcinspect.mechanisms import MECHANISMS, fields_of
from ipcinspect.mechanisms.demo_attach import ROLES
from ipcinspect.model.channel import Channel, Endpoint, Exposure, FieldValue, Namespaces
from tests import fakes

UID = 1000
"""Whose program looks."""
ATTACHABLE = {
    room.NAME: room.DEMO.attach for room in MECHANISMS if room.DEMO is not None and room.DEMO.attach is not None
}
HERE = fakes.snapshot(uid=UID).host


def channel(
    mechanism: str,
    name: str | None = None,
    ends: tuple[Endpoint, ...] = (),
    owner: int | None = UID,
    reach: str = "everybody",
    namespaces: Namespaces = Namespaces(),  # noqa: B008
    **fields: FieldValue,
) -> Channel:
    told = tuple(fields.get(field.name) for field in fields_of(mechanism))
    made = fakes.channel(7, mechanism, name=name, ends=ends, fields=told, namespaces=namespaces)
    return made._replace(exposure=Exposure(reach, owner, 0o666))


def fifo(path: str = "/f") -> Channel:
    return channel("fifo", path, deleted=False)


def file_at(path: str) -> FileFacts:
    """What stands behind the path of `fifo`."""
    return FileFacts(stat.S_IFIFO | 0o600, 7, 0, 1, UID, 0.0, 0.0)


def listener(name: str, mechanism: str = "tcp", holder: int = UID, number: int = 7) -> Channel:
    process = fakes.process(50, "server", uid=holder)
    ends = (fakes.endpoint("b", "listener", process, 3, number, name),)
    made = channel(mechanism, name, ends, reach="host", pairing="listener", type="stream")
    return made._replace(key=made.key._replace(number=number), id=f"socket:[{number}]")


def refusal(one: Channel, plan: Plan = Plan(""), wish: Wish = Wish(), *others: Channel) -> str:  # noqa: B008
    with pytest.raises(PlanError) as refused:
        attach(one, fakes.snapshot((one, *others), uid=UID), plan._replace(mechanism=one.mechanism), wish, file_at)
    return str(refused.value)


@pytest.mark.parametrize("room", [room for room in MECHANISMS if room.NAME not in ATTACHABLE], ids=lambda r: r.NAME)
def test_what_has_no_name_or_is_not_for_demos_is_refused(room: object) -> None:
    name = getattr(room, "NAME", "")
    told = refusal(channel(name, "/somewhere"))
    assert f"a demo cannot be put on a {name}" in told
    assert "possible: fifo, unix, tcp, udp, sysv-msg, sysv-sem, sysv-shm, posix-mq, posix-shm, posix-sem" in told


def test_the_kinds_that_can_be_attached_to_use_the_closed_words() -> None:
    for attach_ in ATTACHABLE.values():
        assert set(attach_.roles) <= set(ROLES)
        assert (attach_.receiver is not None) == (len(attach_.roles) == len(ROLES))


@pytest.mark.parametrize(
    ("one", "told"),
    [
        (channel("sysv-msg", namespaces=Namespaces(ipc=5)), "of another IPC namespace"),
        (channel("posix-mq", "/q", namespaces=Namespaces(ipc=5)), "of another IPC namespace"),
        (channel("tcp", "127.0.0.1:80", namespaces=Namespaces(net=5)), "of another network namespace"),
        (channel("unix", "@name", namespaces=Namespaces(net=5), pairing="listener"), "of another network namespace"),
        (channel("posix-shm", "/x", size=4096), "our /dev/shm has no name for it"),
        (channel("unix", None, pairing="socketpair", reach="holders"), "no name leads to it"),
        (channel("unix", "/s", pairing="connection", reach="holders"), "no name leads to it"),
        (channel("unix", "s", pairing="listener"), "its name s starts in the directory that its server was in"),
        (channel("tcp", "127.0.0.1:80"), "no address leads to it"),
        (channel("udp", "127.0.0.1:80", connected_to="127.0.0.1:9"), "from the address alone that it is connected to"),
        (channel("fifo", "/f", deleted=True), "its name is gone"),
        (channel("posix-mq", "/q", unlinked=True), "its name is gone"),
    ],
)
def test_what_no_name_of_ours_leads_to_is_refused(one: Channel, told: str) -> None:
    assert told in refusal(one)


@pytest.mark.parametrize(
    ("one", "plan", "wish", "told"),
    [
        (listener("127.0.0.1:80"), Plan(""), Wish("receiver"), "only a sender can be put on it"),
        (listener("/s", "unix"), Plan(""), Wish("both"), "only a sender can be put on it"),
        (fifo(), Plan(""), Wish(at=3), "nothing in a fifo has a number to start at"),
        (fifo(), Plan(""), Wish(within_s=0.0), "waiting for 0 s is not possible"),
        (fifo(), Plan("", messages=0), Wish(), "0 messages are not possible"),
        (fifo(), Plan("", size=3), Wish(), "a size of 3 bytes is too small: json needs"),
        (fifo(), Plan("", notification="poll"), Wish(), "a sender alone receives nothing"),
        (fifo(), Plan("", rate=1.0), Wish("receiver"), "a receiver alone sends nothing"),
        (fifo(), Plan("", notification="mq_notify"), Wish("both"), "fifo has no notification 'mq_notify'"),
        (channel("sysv-shm", size=256), Plan("", blocking=False), Wish(), "sysv-shm cannot be non-blocking"),
        (channel("sysv-shm", size=255), Plan(""), Wish(), "would end at byte 256, and it has 255 bytes"),
        (channel("sysv-shm", size=256), Plan(""), Wish(at=1), "would end at byte 257, and it has 256 bytes"),
        (channel("sysv-sem", nsems=2), Plan(""), Wish(at=2), "it has no semaphore 2, only 0 to 1"),
        (channel("posix-mq", "/q", max_message_bytes=63), Plan(""), Wish(), "63 bytes at most, not 64"),
        (channel("posix-mq", "/q", max_messages=3), Plan(""), Wish("both"), "4 more messages do not fit"),
    ],
)
def test_what_does_not_go_together_is_refused(one: Channel, plan: Plan, wish: Wish, told: str) -> None:
    if one.mechanism == "posix-mq":
        one = one._replace(queues=(one.queues[0]._replace(messages=0),))
    assert told in refusal(one, plan, wish)


def test_an_address_that_leads_to_a_nearer_listener_is_refused() -> None:
    everywhere, nearer = listener("0.0.0.0:80"), listener("127.0.0.1:80", number=8)
    assert "127.0.0.1:80, where we would reach it, leads to socket:[8]" in refusal(everywhere, Plan(""), Wish(), nearer)
    there = attach(everywhere, fakes.snapshot((everywhere,), uid=UID), Plan("tcp"), Wish())
    assert there.access.sender_args == ("127.0.0.1", "80")


def test_a_path_that_leads_to_another_fifo_here_is_refused() -> None:
    other = fifo()._replace(key=fifo().key._replace(number=8))
    assert "/f leads to another file here" in refusal(other)


def test_a_file_server_that_is_late_is_no_fault_of_the_user() -> None:
    def late(path: str) -> FileFacts:
        raise DemoError(f"{path}: no answer within 3 s")

    with pytest.raises(DemoError, match="no answer within 3 s"):
        attach(fifo(), fakes.snapshot(uid=UID), Plan("fifo"), Wish(), late)


@pytest.mark.parametrize(
    ("one", "whose"),
    [
        (channel("sysv-msg"), None),
        (channel("sysv-msg", owner=0), "root"),
        (channel("sysv-msg", owner=4711), "uid 4711"),
        (channel("sysv-msg", owner=None), "an unknown user"),
        (channel("sysv-msg")._replace(exposure=None), "an unknown user"),
        (listener("127.0.0.1:80"), None),
        (listener("127.0.0.1:80", holder=33), "www"),
    ],
)
def test_what_is_not_known_to_be_ours_belongs_to_another(one: Channel, whose: str | None) -> None:
    assert stranger_of(one, fakes.snapshot((one,), uid=UID, users={0: "root", 33: "www"})) == whose


def test_the_usual_thing_put_on_memory_only_reads_and_on_a_semaphore_takes_back_what_it_gives() -> None:
    snapshot = fakes.snapshot(uid=UID)
    for mechanism, role in (("sysv-shm", "receiver"), ("sysv-sem", "both"), ("sysv-msg", "sender")):
        made = attach(channel(mechanism, size=4096, nsems=1), snapshot, Plan(mechanism), Wish())
        assert (made.role, made.plan.variant) == (role, "existing")
        assert made.access.does


def test_a_path_tells_what_it_leads_to_or_that_nothing_is_there(tmp_path: os.PathLike[str]) -> None:
    path = os.path.join(tmp_path, "fifo")
    os.mkfifo(path, 0o620)
    file = facts_of(path)
    assert (file.is_fifo, stat.S_IMODE(file.mode), file.uid) == (True, os.stat(path).st_mode & 0o777, os.geteuid())
    assert (file.device, file.inode) == (os.stat(path).st_dev, os.stat(path).st_ino)
    with pytest.raises(FileNotFoundError):
        facts_of(path + "2")
