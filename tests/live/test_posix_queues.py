"""POSIX message queues: all of them, in every namespace, and none of them notices."""

from __future__ import annotations

import ctypes
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ipcinspect.kernel import mq_transfer, mqueue
from ipcinspect.mechanisms import posix_mq
from ipcinspect.model.channel import Channel
from ipcinspect.model.snapshot import Snapshot
from ipcinspect.selection.addresses import find
from tests.live.conftest import Start
from tests.live.subjects import asleep_in, ends, field, look, until
from tests.live.test_without_privilege import NOBODY, looks, nobody

QUEUES = """
class Attr(ctypes.Structure):
    _fields_ = [(n, ctypes.c_long) for n in ("flags", "maxmsg", "msgsize", "curmsgs", "a", "b", "c", "d")]
EVENT = ctypes.c_void_p, ctypes.c_int, ctypes.c_int, ctypes.c_char * 48
class Event(ctypes.Structure):
    _fields_ = [(n, t) for n, t in zip(("value", "signo", "notify", "rest"), EVENT)]
def opened(name, flags=os.O_RDWR, mode=0o600, maxmsg=5, msgsize=64):
    os.umask(0)
    attr = Attr(0, maxmsg, msgsize)
    return checked(LIBC.mq_open(os.fsencode(name), flags | os.O_CREAT, ctypes.c_uint(mode), ctypes.byref(attr)))
def send(queue, data, priority=0):
    checked(LIBC.mq_send(queue, data, ctypes.c_size_t(len(data)), ctypes.c_uint(priority)))
def receive(queue):
    buffer = ctypes.create_string_buffer(8192)
    size = checked(LIBC.mq_receive(queue, buffer, ctypes.c_size_t(8192), None))
    return buffer.raw[:size]
def attributes(queue):
    attr = Attr()
    checked(LIBC.mq_getattr(queue, ctypes.byref(attr)))
    return [attr.maxmsg, attr.msgsize, attr.curmsgs]
def unlink(name): LIBC.mq_unlink(os.fsencode(name))
def ipc(): return os.stat("/proc/self/ns/ipc").st_ino
"""
__all__ = ["nobody"]
"""A fixture that pytest finds here by name."""

IN_A_NAMESPACE = ("unshare", "--ipc")

Names = Callable[[str], str]


@pytest.fixture
def named() -> Iterator[Names]:
    """Names that nobody else has; what is still called so after the test is removed."""
    given: list[str] = []

    def name(word: str) -> str:
        given.append(f"/ipci-{os.getpid()}-{len(given)}-{word}")
        return given[-1]

    yield name
    for each in given:
        try:
            mq_transfer.unlink(each)
        except FileNotFoundError:
            continue


def queues(snapshot: Snapshot, name: str) -> list[Channel]:
    """The queues of that name, of whatever namespace."""
    return [channel for channel in snapshot.channels if (channel.mechanism, channel.name) == ("posix-mq", name)]


def queue_of(snapshot: Snapshot, name: str) -> Channel:
    """The only one."""
    (channel,) = queues(snapshot, name)
    return channel


def gaps_about_queues(snapshot: Snapshot) -> list[tuple[str, str]]:
    """Whatever was missed of them."""
    return [(gap.what, gap.why) for gap in snapshot.gaps if "queue" in gap.what]


HELD_BY_NOBODY = """
queue = opened(ARGS[0], mode=0o622)
send(queue, b"for later"); send(queue, b"and more")
os.close(queue)
say(); stay()
"""
WITHOUT_ITS_MOUNT = ("unshare", "--mount", "sh", "-c", 'umount -a -t mqueue; exec "$@"', "sh")
TELLS_QUEUES = """
import json, os
from ipcinspect.export.json_document import channels_document
from ipcinspect.model.snapshot import Want
from ipcinspect.sources.live import LiveSource
before = open("/proc/self/mountinfo").read(), len(os.listdir("/proc/self/fd"))
seen = LiveSource().take(Want(descriptors=True))
after = open("/proc/self/mountinfo").read(), len(os.listdir("/proc/self/fd"))
told = json.loads("".join(channels_document(seen, [c for c in seen.channels if c.mechanism == "posix-mq"])))
told["left nothing"] = before == after
told["mounted"] = " - mqueue " in after[0]
told["gaps"] = [[gap.what, gap.why, gap.count] for gap in seen.gaps]
print(json.dumps(told))
"""


def told(found: dict[str, Any], name: str) -> dict[str, Any]:
    """One queue of a document."""
    (one,) = [channel for channel in found["channels"] if channel["name"] == name]
    assert isinstance(one, dict)
    return one


def test_a_queue_is_seen_with_nothing_mounted_and_nobody_holding_it(root: None, start: Start, named: Names) -> None:
    name = named("alone")
    start(QUEUES + HELD_BY_NOBODY, name)
    found = looks(WITHOUT_ITS_MOUNT, TELLS_QUEUES)
    assert (found["mounted"], found["left nothing"]) == (False, True)
    queue = told(found, name)
    assert (queue["id"], queue["endpoints"], queue["state"]) == (f"posix-mq:{name}", [], "holding")
    assert (queue["queued_bytes"], queue["queued_messages"], queue["capacity_bytes"]) == (17, 2, 5 * 64)
    assert (queue["fields"]["mode"], queue["fields"]["owner_uid"]) == (0o622, 0)


def test_two_namespaces_have_queues_of_one_name_and_both_are_seen(root: None, start: Start, named: Names) -> None:
    name = named("twice")
    code = QUEUES + "queue = opened(ARGS[0]); send(queue, b'x' * ARGS[1]); say(ipc()); stay()"
    here = start(code, name, 3)
    there = start(code, name, 4, command=IN_A_NAMESPACE)
    seen = look()
    by_namespace = {channel.namespaces.ipc: channel for channel in queues(seen, name)}
    assert set(by_namespace) == {here.said[0], there.said[0]}
    ours, foreign = by_namespace[here.said[0]], by_namespace[there.said[0]]
    assert (ours.id, foreign.id) == (f"posix-mq:{name}", f"posix-mq:{name}@ipc:[{there.said[0]}]")
    assert (ours.queued_bytes, foreign.queued_bytes) == (3, 4)
    assert (ends(ours), ends(foreign)) == ({(here.pid, 3)}, {(there.pid, 3)})
    for channel in (ours, foreign):
        assert find(channel.id, seen) == (channel,)
    assert set(find(f"mq:{name}", seen)) == {ours, foreign}


def test_a_namespace_of_another_user_namespace_lets_root_in(root: None, start: Start, named: Names) -> None:
    name = named("container")
    code = QUEUES + "queue = opened(ARGS[0]); send(queue, b'x'); say(ipc()); stay()"
    subject = start(code, name, command=("unshare", "--user", "--map-root-user", "--ipc"))
    channel = queue_of(look(), name)
    assert (channel.namespaces.ipc, channel.queued_messages) == (subject.said[0], 1)


ONE_NAMESPACE_AT_A_TIME = """
with open("/proc/sys/user/max_ipc_namespaces", "w") as limit: limit.write("1")
def child():
    pid = os.fork()
    if pid: return pid
    code = 0 if LIBC.unshare(0x08000000) == 0 else ctypes.get_errno()
    if not code: opened(ARGS[0])
    os.write(w, bytes([code]))
    signal.pause()
r, w = os.pipe()
say()
while True:
    order()
    pid = child()
    say(os.read(r, 1)[0], pid)
    order()
    os.kill(pid, signal.SIGKILL); os.waitpid(pid, 0)
    say()
"""


def test_a_dead_namespace_is_not_kept_alive_by_looking(root: None, start: Start, named: Names) -> None:
    """A user namespace that may have one IPC namespace: the next is refused (ENOSPC) until the first is gone."""
    name = named("short-lived")
    subject = start(QUEUES + ONE_NAMESPACE_AT_A_TIME, name, command=("unshare", "--user", "--map-root-user"))
    for _ in range(3):
        failed = 1

        def enters() -> bool:
            nonlocal failed
            failed, _ = subject.ask()
            if failed:
                subject.ask()
            return not failed

        until(enters, "the namespace before to be gone")
        assert queue_of(look(), name)
        assert not subject.ask()
        assert not queues(look(), name)


def test_looking_leaves_no_mount_no_descriptor_and_no_queue_behind(root: None, start: Start, named: Names) -> None:
    start(QUEUES + "queue = opened(ARGS[0]); say(); stay()", named("there"), command=IN_A_NAMESPACE)
    look()

    def ours() -> tuple[str, list[str], list[str]]:
        listing = mqueue.listed({}, time.monotonic() + 5)
        mine = [row.name for row in listing.files if f"-{os.getpid()}-" in row.name]
        return Path("/proc/self/mountinfo").read_text(), os.listdir("/proc/self/fd"), mine

    before = ours()
    for _ in range(10):
        look()
    assert ours() == before
    assert mqueue.found_by_name(named("never made")[1:], (1, 1)) is None
    assert ours() == before, "asking for a name makes no queue"


HOLDS = """
queue = opened(ARGS[0], flags=getattr(os, ARGS[1]))
say(queue); stay()
"""


def test_holders_are_told_by_how_they_opened_it(start: Start, named: Names) -> None:
    name = named("held")
    subjects = {mode: start(QUEUES + HOLDS, name, mode) for mode in ("O_RDONLY", "O_WRONLY", "O_RDWR")}
    channel = queue_of(look(), name)
    at = {mode: (subject.pid, subject.said[0]) for mode, subject in subjects.items()}
    assert ends(channel, "reader") == {at["O_RDONLY"]}
    assert ends(channel, "writer") == {at["O_WRONLY"]}
    assert ends(channel, "both") == {at["O_RDWR"]}
    assert {end.role: end.side for end in channel.endpoints} == {"reader": "b", "writer": "a", "both": "a"}
    assert (field(channel, "writers"), field(channel, "readers")) == (2, 2)
    assert channel.relation == "splitting work", "two processes may receive"


def test_one_reader_splits_no_work_also_with_two_descriptors(start: Start, named: Names) -> None:
    name = named("single")
    code = QUEUES + "one = opened(ARGS[0], flags=os.O_RDONLY); two = os.dup(one); say(one, two); stay()"
    subject = start(code, name)
    channel = queue_of(look(), name)
    assert ends(channel) == {(subject.pid, fd) for fd in subject.said}
    assert channel.relation == "data exchange"


def test_figures_are_those_of_mq_getattr(start: Start, named: Names) -> None:
    names = [named(f"size{number}") for number in range(4)]
    code = """
told = []
for number, name in enumerate(ARGS):
    queue = opened(name, maxmsg=number + 2, msgsize=100 * (number + 1))
    for place in range(number): send(queue, bytes(place * 7 + 1), place)
    told.append(attributes(queue))
say(told); stay()
"""
    subject = start(QUEUES + code, *names)
    seen = look()
    for number, (name, (maxmsg, msgsize, curmsgs)) in enumerate(zip(names, subject.said[0], strict=True)):
        channel = queue_of(seen, name)
        assert (field(channel, "max_messages"), field(channel, "max_message_bytes")) == (maxmsg, msgsize)
        assert (channel.capacity_bytes, channel.fill) == (maxmsg * msgsize, curmsgs / maxmsg)
        sent = sum(place * 7 + 1 for place in range(number))
        assert (channel.queued_messages, channel.queued_bytes) == (curmsgs, sent)


def test_a_full_queue_is_full_and_its_sender_goes_on_waiting(start: Start, named: Names) -> None:
    name = named("full")
    code = """
queue = opened(ARGS[0], maxmsg=2)
send(queue, b""); send(queue, b"12345678")
say(); order()
send(queue, b"late"); say("sent")
stay()
"""
    subject = start(QUEUES + code, name)
    subject.tell()
    until(lambda: asleep_in(subject.pid, "wq_sleep", "mq_timedsend", "do_mq"), "the sender to sleep")
    switches = _switches(subject.pid)
    for _ in range(20):
        channel = queue_of(look(), name)
        assert (channel.state, channel.fill, channel.queued_messages, channel.queued_bytes) == ("full", 1.0, 2, 8)
    assert _switches(subject.pid) == switches, "it did not even wake up"
    descriptor = mq_transfer.open_existing(name, os.O_RDONLY)
    assert mq_transfer.receive(descriptor) in (b"", b"12345678")
    os.close(descriptor)
    assert subject.hear() == ["sent"]


def test_a_receiver_that_waits_is_not_woken(start: Start, named: Names) -> None:
    name = named("waits")
    code = "queue = opened(ARGS[0]); say(); order(); say(receive(queue).decode()); stay()"
    subject = start(QUEUES + code, name)
    subject.tell()
    until(lambda: asleep_in(subject.pid, "wq_sleep", "mq_timedreceive", "do_mq"), "the receiver to sleep")
    switches = _switches(subject.pid)
    for _ in range(20):
        assert queue_of(look(), name).state == "idle"
    assert _switches(subject.pid) == switches
    descriptor = mq_transfer.open_existing(name, os.O_WRONLY)
    mq_transfer.send(descriptor, b"at last")
    os.close(descriptor)
    assert subject.hear() == ["at last"]


def _switches(pid: int) -> list[str]:
    return [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if "ctxt_switches" in line]


REGISTERS = """
signal.signal(signal.SIGUSR1, lambda *args: say("told"))
queue = opened(ARGS[0])
event = Event(None, signal.SIGUSR1, ARGS[1])
checked(LIBC.mq_notify(queue, ctypes.byref(event)))
say(os.getpid())
stay()
"""


def test_who_is_registered_stays_registered_after_a_hundred_looks(start: Start, named: Names) -> None:
    name = named("registered")
    subject = start(QUEUES + REGISTERS, name, 0)
    for _ in range(100):
        channel = queue_of(look(), name)
        assert field(channel, "notify_pid") == subject.pid
    assert (field(channel, "notifies"), field(channel, "notify_signal")) == ("signal", int(signal.SIGUSR1))
    descriptor = mq_transfer.open_existing(name, os.O_WRONLY)
    mq_transfer.send(descriptor, b"news")
    os.close(descriptor)
    assert subject.hear() == ["told"]
    after = queue_of(look(), name)
    assert (field(after, "notifies"), field(after, "notify_pid"), after.queued_messages) == ("nobody", None, 1)


def test_who_wants_no_announcement_is_told_too(start: Start, named: Names) -> None:
    subject = start(QUEUES + REGISTERS, name := named("silent"), 1)
    channel = queue_of(look(), name)
    assert (field(channel, "notifies"), field(channel, "notify_pid")) == ("nothing", subject.pid)
    assert field(channel, "notify_signal") is None


class Event(ctypes.Structure):
    """struct sigevent."""

    _fields_ = (
        ("value", ctypes.c_void_p),
        ("signo", ctypes.c_int),
        ("notify", ctypes.c_int),
        ("rest", ctypes.c_char * 48),
    )


@pytest.mark.parametrize("mode", [os.O_RDWR, os.O_WRONLY])
def test_a_registration_of_the_looking_process_itself_survives(named: Names, mode: int) -> None:
    """Closing any descriptor of a queue ends what its closer registered: of our own queues none may be closed."""
    name = named("ours")
    mq_transfer.create(name, 3, 16)
    descriptor = mq_transfer.open_existing(name, mode)
    reader = mq_transfer.open_existing(name, os.O_RDONLY)
    event = Event(None, int(signal.SIGURG), 1)
    try:
        assert ctypes.CDLL(None).mq_notify(descriptor, ctypes.byref(event)) == 0
        for _ in range(5):
            assert queue_of(look(), name).state == "idle"
        assert f"NOTIFY_PID:{os.getpid()} ".encode() in os.pread(reader, 200, 0)
        mq_transfer.unlink(name)
        assert queue_of(look(), name).state == "marked-for-deletion"
        assert f"NOTIFY_PID:{os.getpid()} ".encode() in os.pread(reader, 200, 0)
    finally:
        os.close(descriptor)
        os.close(reader)


def test_messages_and_the_time_of_the_last_one_stay(start: Start, named: Names) -> None:
    """The times of access and change do move: nothing but reading the file tells bytes and registration."""
    name = named("kept")
    code = """
queue = opened(ARGS[0])
for priority, text in ((1, b"low"), (9, b"high"), (9, b"second")): send(queue, text, priority)
say(os.fstat(queue).st_mtime_ns)
order()
say(os.fstat(queue).st_mtime_ns, [receive(queue).decode() for _ in range(3)])
stay()
"""
    subject = start(QUEUES + code, name)
    (sent_at,) = subject.said
    begun = time.time()
    until(lambda: queue_of(look(), name) and time.time() > begun + 1.5, "a second to pass")
    channel = queue_of(look(), name)
    assert field(channel, "last_transfer") == sent_at / 1e9
    assert subject.ask() == [sent_at, ["high", "second", "low"]]


UNLINKS = """
first = opened(ARGS[0]); send(first, b"old"); unlink(ARGS[0])
second = opened(ARGS[0])
third = opened(ARGS[0] + " (deleted)")
say(first, second, third)
try: stay()
finally: unlink(ARGS[0] + " (deleted)")
"""


def test_an_unlinked_queue_lives_on_beside_a_new_one_of_its_name(start: Start, named: Names) -> None:
    name = named("name")
    subject = start(QUEUES + UNLINKS, name)
    first, second, third = subject.said
    seen = look()
    by_fd = {next(iter(ends(channel)))[1]: channel for channel in queues(seen, name)}
    assert set(by_fd) == {first, second}
    old, new = by_fd[first], by_fd[second]
    assert (old.state, old.queued_messages, field(old, "unlinked")) == ("marked-for-deletion", 1, True)
    assert (new.state, new.queued_messages, field(new, "unlinked")) == ("idle", 0, False)
    assert new.id == f"posix-mq:{name}"
    assert old.id.startswith("posix-mq:[")
    assert old.namespaces == new.namespaces
    assert (old.exposure and old.exposure.reach, new.exposure and new.exposure.reach) == ("holders", "owner")
    assert find(old.id, seen) == (old,)
    odd = queue_of(seen, f"{name} (deleted)")
    assert (odd.state, ends(odd)) == ("idle", {(subject.pid, third)}), "a name that only looks like it"


@pytest.mark.parametrize(
    "word",
    ["\x1b[31mred", "two\nlines", "@ipc:[4026531839]", "[b]markup", "\udcff\udcfe", "‮txt", " ", "x" * 200],
    ids=["escape", "newline", "suffix", "markup", "no UTF-8", "bidi", "blank", "long"],
)
def test_a_hostile_name_is_exact_and_an_id_of_its_own(start: Start, named: Names, word: str) -> None:
    name = named(word)
    subject = start(QUEUES + "say(opened(ARGS[0])); stay()", name)
    seen = look()
    channel = queue_of(seen, name)
    assert ends(channel) == {(subject.pid, subject.said[0])}
    assert find(channel.id, seen) == (channel,)
    assert [one for one in seen.channels if one.id == channel.id] == [channel]


def test_a_name_cannot_be_the_id_of_a_queue_of_another_namespace(root: None, start: Start, named: Names) -> None:
    name = named("real")
    real = start(QUEUES + "opened(ARGS[0]); say(ipc()); stay()", name, command=IN_A_NAMESPACE)
    forged = f"{name}@ipc:[{real.said[0]}]"
    forger = start(QUEUES + "opened(ARGS[0]); say()\ntry: stay()\nfinally: unlink(ARGS[0])", forged)
    seen = look()
    (found,) = find(f"posix-mq:{name}@ipc:[{real.said[0]}]", seen)
    assert ends(found) == {(real.pid, 3)}
    assert ends(queue_of(seen, forged)) == {(forger.pid, 3)}


def test_an_empty_queue_that_nobody_holds_is_orphaned_where_nobody_is_hidden(
    root: None, start: Start, named: Names
) -> None:
    """In a pid namespace with its own /proc everybody can be seen."""
    name = named("left over")
    start(QUEUES + "os.close(opened(ARGS[0])); say(); stay()", name)
    found = looks(("unshare", "--mount", "--pid", "--fork", "--mount-proc"), TELLS_QUEUES)
    assert told(found, name)["state"] == "orphaned"


def test_an_ordinary_user_sees_what_his_processes_have_open_and_is_told_the_rest(
    nobody: None, start: Start, named: Names
) -> None:
    mine, unlinked, other = named("mine"), named("unlinked"), named("other")
    code = """
one = opened(ARGS[0]); send(one, b"abc")
two = opened(ARGS[1], flags=os.O_WRONLY, mode=0o200); unlink(ARGS[1])
say(one, two); stay()
"""
    subject = start(QUEUES + code, mine, unlinked, command=NOBODY)
    start(QUEUES + "opened(ARGS[0]); say(); stay()", other)
    found = looks((*WITHOUT_ITS_MOUNT, *NOBODY), TELLS_QUEUES)
    queue = told(found, mine)
    assert (queue["id"], queue["queued_bytes"], queue["queued_messages"]) == (f"posix-mq:{mine}", 3, 1)
    assert [(end["pid"], end["fd"], end["role"]) for end in queue["endpoints"]] == [
        (subject.pid, subject.said[0], "both")
    ]
    gone = told(found, unlinked)
    assert (gone["state"], gone["queued_messages"]) == ("marked-for-deletion", 0)
    assert [(end["pid"], end["role"]) for end in gone["endpoints"]] == [(subject.pid, "writer")]
    assert not [channel for channel in found["channels"] if channel["name"] == other]
    assert ["POSIX queues of our IPC namespace that no visible process has open", "denied", None] in found["gaps"]


def test_a_mount_that_is_there_tells_an_ordinary_user_every_name(
    nobody: None, start: Start, named: Names, directory: Path
) -> None:
    readable, shut, writable = named("readable"), named("shut"), named("writable")
    code = """
for name, mode in zip(ARGS, (0o644, 0o600, 0o622)):
    queue = opened(name, mode=mode); send(queue, b"12"); os.close(queue)
say(); stay()
"""
    start(QUEUES + code, readable, shut, writable)
    script = f'mount -t mqueue none {directory} && exec "$@"'
    found = looks(("unshare", "--mount", "sh", "-c", script, "sh", *NOBODY), TELLS_QUEUES)
    assert (told(found, readable)["state"], told(found, readable)["queued_bytes"]) == ("holding", 2)
    assert (told(found, writable)["queued_messages"], told(found, writable)["queued_bytes"]) == (1, None)
    refused = told(found, shut)
    assert (refused["state"], refused["queued_bytes"], refused["id"]) == ("unknown", None, f"posix-mq:{shut}")
    assert refused["fields"]["mode"] == 0o600
    whys = {what: why for what, why, _ in found["gaps"]}
    assert whys["attributes of POSIX queues"] == "denied"
    assert "POSIX queues of our IPC namespace that no visible process has open" not in whys


def test_a_mount_of_another_namespace_is_not_taken_for_ours(
    nobody: None, start: Start, named: Names, directory: Path
) -> None:
    """Entered the IPC namespace after the mount was made: then it shows the queues of the one before."""
    name = named("theirs")
    start(QUEUES + "opened(ARGS[0], mode=0o666); say(); stay()", name)
    script = f'mount -t mqueue none {directory} && exec unshare --ipc "$@"'
    found = looks(("unshare", "--mount", "sh", "-c", script, "sh", *NOBODY), TELLS_QUEUES)
    assert [channel["id"] for channel in found["channels"] if channel["name"] == name] == []
    assert ["POSIX queues of our IPC namespace that no visible process has open", "denied", None] in found["gaps"]


def test_a_queue_behind_a_covered_mount_point_is_not_walked_to(nobody: None, directory: Path) -> None:
    script = f'mount -t mqueue none {directory} && mount -t tmpfs none {directory} && exec "$@"'
    found = looks(("unshare", "--mount", "sh", "-c", script, "sh", *NOBODY), TELLS_QUEUES)
    assert ["POSIX queues of our IPC namespace that no visible process has open", "denied", None] in found["gaps"]


OUTLIVES_ITS_NAMESPACE = """
queue = opened(ARGS[0])
checked(LIBC.unshare(0x08000000))
say(); stay()
"""


def test_a_queue_of_a_namespace_that_is_gone_is_a_gap_and_no_guess(root: None, start: Start, named: Names) -> None:
    name = named("survivor")
    start(QUEUES + OUTLIVES_ITS_NAMESPACE, name, command=IN_A_NAMESPACE)
    seen = look()
    assert not queues(seen, name)
    assert any("may be POSIX queues" in what for what, _ in gaps_about_queues(seen))


LOOKS_LIKE_ONE = """
fs = checked(LIBC.syscall(430, b"tmpfs", 1)); checked(LIBC.syscall(431, fs, 6, None, None, 0))
mount = checked(LIBC.syscall(432, fs, 1, 0))
file = os.open(ARGS[0][1:], os.O_RDWR | os.O_CREAT, dir_fd=mount)
os.ftruncate(file, 80)
say(file, os.readlink(f"/proc/self/fd/{file}"), os.fstat(file).st_blocks); stay()
"""


def test_a_file_that_looks_like_a_queue_in_every_way_is_none(root: None, start: Start, named: Names) -> None:
    name = named("impostor")
    subject = start(QUEUES + LOOKS_LIKE_ONE, name)
    assert subject.said[1:] == [name, 0]
    assert not queues(look(), name)


def test_a_refused_mount_is_a_gap_and_what_is_open_still_shows(start: Start, named: Names) -> None:
    """As in a container whose seccomp filter knows no fsopen(2)."""
    name = named("filtered")
    subject = start(QUEUES + "opened(ARGS[0]); say(); stay()", name)
    code = """
from ipcinspect.kernel import mqueue
from ipcinspect.kernel.errors import Unsupported
def refuse(*arguments):
    raise Unsupported("a mount of mqueue")
mqueue.listed = refuse
"""
    found = looks(code=code + TELLS_QUEUES)
    assert [end["pid"] for end in told(found, name)["endpoints"]] == [subject.pid]
    if not found["mounted"]:
        assert ["POSIX queues of our IPC namespace that no visible process has open", "unsupported", None] in found[
            "gaps"
        ]


def test_a_limit_that_stands_in_the_way_of_a_demo_is_named(named: Names) -> None:
    with pytest.raises(OSError, match=r"fs\.mqueue\.msg_max"):
        mq_transfer.create(named("huge"), 10_000_000, 16)
    name = named("taken")
    mq_transfer.create(name, 1, 16)
    with pytest.raises(FileExistsError):
        mq_transfer.create(name, 1, 16)
    descriptor = mq_transfer.open_existing(name, os.O_WRONLY)
    with pytest.raises(OSError, match="too long"):
        mq_transfer.send(descriptor, bytes(17))
    os.close(descriptor)


def test_nothing_looks_into_a_queue_and_the_reason_is_said() -> None:
    from ipcinspect.kernel.errors import Unsupported

    assert posix_mq.TELLS.peek is None
    with pytest.raises(Unsupported, match="BPF"):
        posix_mq.peek(None, None)  # type: ignore[arg-type]


THOUSAND = """
with open("/proc/sys/fs/mqueue/queues_max", "w") as limit: limit.write("1000")
for number in range(1000): os.close(opened(f"{ARGS[0]}-{number}", maxmsg=1, msgsize=8))
say(); stay()
"""


def test_a_thousand_queues_are_read_in_no_time(root: None, start: Start, named: Names) -> None:
    name = named("many")
    start(QUEUES + THOUSAND, name, command=IN_A_NAMESPACE)
    snapshot = look()
    found = [channel for channel in snapshot.channels if (channel.name or "").startswith(name)]
    assert len(found) == 1000
    (cost,) = [cost.seconds for cost in snapshot.costs if cost.part == "posix-mq"]
    assert cost < 0.5
