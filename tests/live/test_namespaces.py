"""Two containers seen from outside: every mechanism in both, with the right ends, and nobody taken for another."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from ipcinspect.kernel.errors import Denied
from ipcinspect.mechanisms import MECHANISMS
from ipcinspect.mechanisms.ipc_namespaces import IpcNamespaces
from ipcinspect.mechanisms.room import Room
from ipcinspect.model.channel import Channel
from ipcinspect.model.snapshot import Snapshot, Want
from ipcinspect.selection.addresses import find
from ipcinspect.sources.live import LiveSource
from tests.contract.expectations import possible_ends
from tests.live.conftest import Start
from tests.live.namespaces import OF_ANOTHER_USER, ROOT, Container, Pair, inode_of, two_containers
from tests.live.subjects import ends, field, look, until

PAIRS = [
    pytest.param(room, variant, id=f"{room.NAME}-{variant}")
    for room in MECHANISMS
    if room.DEMO is not None
    for variant in room.DEMO.variants
]
Two = tuple[Container, Container]


@pytest.fixture(scope="module")
def two() -> Iterator[Two]:
    """Both have another, empty directory at the same place."""
    if os.geteuid() != 0:
        pytest.skip("needs root: sudo")
    if shutil.which("unshare") is None:
        pytest.skip("no unshare here: apt-get install util-linux")
    place = tempfile.mkdtemp(prefix="ipci-")
    try:
        with two_containers(Path(place)) as both:
            yield both
    finally:
        os.rmdir(place)


def channel_of(seen: Snapshot, room: Room, variant: str, pair: Pair) -> Channel:
    """The one channel of a mechanism that has exactly these two as its right ends, beside who made it."""
    found = []
    for channel in seen.channels:
        others = [end for end in channel.endpoints if end.process is None or end.process.pid != pair.maker_pid]
        ends = {end.process.pid: end for end in others if end.process is not None}
        if channel.mechanism == room.NAME and len(others) == 2 and set(ends) == {pair.sender_pid, pair.receiver_pid}:
            both = ends[pair.sender_pid], ends[pair.receiver_pid]
            if any(expected.fit(*both) for expected in possible_ends(room.NAME, variant)):
                found.append(channel)
    touched = [
        one for one in seen.channels if set(pair[:2]) & {end.process.pid for end in one.endpoints if end.process}
    ]
    assert len(found) == 1, (found, touched)
    return found[0]


@pytest.mark.parametrize(("room", "variant"), PAIRS)
def test_a_pair_in_each_of_two_containers_is_two_channels_with_the_right_ends(
    two: Two, room: Room, variant: str
) -> None:
    with two[0].pair(room, variant) as first, two[1].pair(room, variant) as second:
        seen = look()
        channels = [channel_of(seen, room, variant, pair) for pair in (first, second)]
        assert channels[0].key != channels[1].key
        assert channels[0].id != channels[1].id
        for container, channel in zip(two, channels, strict=True):
            assert find(channel.id, seen) == (channel,)
            check_namespaces(container, room, channel)


def check_namespaces(container: Container, room: Room, channel: Channel) -> None:
    """The channel and its holders say where they live."""
    net, ipc, mnt = (container.namespace(kind) for kind in ("net", "ipc", "mnt"))
    if room.TELLS.namespace == "net":
        assert channel.namespaces.net == net
    if room.TELLS.namespace == "ipc":
        assert channel.namespaces.ipc == ipc
        assert channel.id.endswith(f"@ipc:[{ipc}]")
    for end in channel.endpoints:
        assert end.process is not None
        assert (end.process.net_namespace, end.process.ipc_namespace, end.process.mount_namespace) == (net, ipc, mnt)


SAME_NAMES = """
kept = []
server = socket.socket(socket.AF_UNIX); server.bind(ARGS[1] + "/s"); server.listen()
client = socket.socket(socket.AF_UNIX); client.connect(ARGS[1] + "/s"); served, _ = server.accept()
abstract = socket.socket(socket.AF_UNIX); abstract.bind(chr(0) + "ipci-same"); abstract.listen()
tcp = socket.create_server(("127.0.0.1", 7777));
caller = socket.create_connection(("127.0.0.1", 7777)); called, _ = tcp.accept()
os.mkfifo(ARGS[1] + "/f"); fifo = os.open(ARGS[1] + "/f", os.O_RDWR)
queue, sems, memory = LIBC.msgget(0x5151, 0o1600), LIBC.semget(0x5151, 2, 0o1600), LIBC.shmget(0x5151, 4096, 0o1600)
LIBC.shmat.restype = ctypes.c_void_p
address = LIBC.shmat(memory, None, 0)
checked(LIBC.msgsnd(queue, struct.pack("@l2s", 1, b"hi"), 2, 0))
checked(LIBC.semop(sems, struct.pack("=Hhh", 1, 1, 0), 1))
say(queue, sems, memory, [ino(s) for s in (client, served, abstract, tcp, caller, called)], ino(fifo))
"""


def test_objects_of_the_same_name_in_two_containers_are_two_channels(two: Two) -> None:
    said = [container.run(SAME_NAMES) for container in two]
    seen = look()
    assert said[0][:3] == said[1][:3], "the same ids, keys and, of segments, inodes"
    for container, (queue, sems, memory, inodes, fifo) in zip(two, said, strict=True):
        pid, suffix = container.first_pid, f"@ipc:[{container.namespace('ipc')}]"
        for mechanism, number in (("sysv-msg", queue), ("sysv-sem", sems), ("sysv-shm", memory)):
            (channel,) = find(f"{mechanism}:{number}{suffix}", seen)
            assert ends(channel) == {(pid, None)}, mechanism
            assert find(f"{mechanism}:0x5151{suffix}", seen) == (channel,)
        client, served, abstract, tcp, caller, called = inodes
        for pair in ((client, served), (caller, called)):
            (channel,) = find(f"socket:[{pair[0]}]", seen)
            assert {(end.process and end.process.pid, end.inode) for end in channel.endpoints} == {
                (pid, pair[0]), (pid, pair[1])
            }  # fmt: skip
            assert channel.namespaces.net == container.namespace("net")
        for listener in (abstract, tcp):
            (channel,) = find(f"socket:[{listener}]", seen)
            assert {end.process and end.process.pid for end in channel.endpoints} == {pid}
        (channel,) = [one for one in seen.channels if one.mechanism == "fifo" and one.key.number == fifo
                      and pid in {place for place, _ in ends(one)}]  # fmt: skip
        assert {holder for holder, _ in ends(channel)} == {pid}


def test_a_waiter_for_increase_and_one_for_zero_are_told_apart_and_by_semaphore(two: Two) -> None:
    semid, *waiters = two[0].run(
        """
waited = LIBC.semget(0, 3, 0o1600)
checked(LIBC.semop(waited, struct.pack("=Hhh", 1, 5, 0), 1))
children = []
for num, change in ((0, -1), (0, -1), (1, 0)):
    child = os.fork()
    if not child:
        LIBC.semop(waited, struct.pack("=Hhh", num, change, 0), 1)
        os._exit(0)
    children.append(child)
say(waited, *children)
"""
    )
    address = f"sysv-sem:{semid}@ipc:[{two[0].namespace('ipc')}]"

    def all_wait() -> Channel | None:
        (channel,) = find(address, look())
        return channel if field(channel, "increase_waiters") == "2 0 0" and field(channel, "waiting_zero") else None

    channel = until(all_wait, "three waiters")
    assert (field(channel, "values"), field(channel, "zero_waiters")) == ("0 5 0", "0 1 0")
    assert (field(channel, "waiting_increase"), field(channel, "waiting_zero")) == (2, 1)
    assert field(channel, "last_pids") == f"0 {two[0].first_pid} 0", "as our pid namespace numbers them"
    assert ends(channel) == {(two[0].first_pid, None)}
    two[0].run(f"LIBC.semctl(waited, 0, 0); [os.waitpid(child, 0) for child in {waiters}]; say()")
    assert find(address, look()) == ()


def test_a_container_of_another_user_namespace_is_seen_as_well(root: None, directory: Path) -> None:
    with two_containers(directory, *OF_ANOTHER_USER) as both:
        for container in both:
            queue, *_ = container.run(SAME_NAMES)
            (channel,) = find(f"sysv-msg:{queue}@ipc:[{container.namespace('ipc')}]", look())
            assert ends(channel) == {(container.first_pid, None)}
            assert field(channel, "owner_uid") == os.geteuid(), "as our user namespace numbers it"


LIVES_ON_IF_KEPT = """
with open(f"/proc/sys/user/max_{ARGS[0]}_namespaces", "w") as limit: limit.write("1")
FLAG = {"ipc": 0x08000000, "net": 0x40000000}[ARGS[0]]
def inside():
    \"\"\"A child in a new namespace, of which there may be one at a time; None where the one before is not gone.\"\"\"
    r, w = os.pipe(); go_r, go_w = os.pipe()
    child = os.fork()
    if not child:
        os.close(go_w)
        done = LIBC.unshare(FLAG) == 0
        if done:
            if ARGS[0] == "ipc": LIBC.msgget(0, 0o600)
            kept = socket.socket(socket.AF_UNIX); kept.bind(chr(0) + "ipci-kept")
        os.write(w, b"y" if done else b"n")
        os.read(go_r, 1)
        os._exit(0)
    os.close(go_r)
    if os.read(r, 1) == b"y": return child, go_w
    os.close(go_w); os.waitpid(child, 0)
child, go = inside()
say(child)
order()
os.close(go); os.waitpid(child, 0)
end = time.monotonic() + ARGS[1]
while (again := inside()) is None and time.monotonic() < end: time.sleep(0.005)
say(again is not None)
stay()
"""


@pytest.mark.parametrize("kind", ["ipc", "net"])
def test_a_namespace_whose_last_process_ended_ends_although_we_looked_into_it(
    root: None, start: Start, kind: str
) -> None:
    """A limit of one namespace at a time tells: the next can be made only when the first is really gone."""
    subject = start(LIVES_ON_IF_KEPT, kind, 10, command=("unshare", "--user", "--map-root-user"))
    source = LiveSource()
    number = inode_of(subject.said[0], kind)
    for _ in range(3):
        seen = source.take(Want(descriptors=True))
        assert [one for one in seen.channels if number in one.namespaces], "it was looked into"
    assert subject.ask() == [True]
    assert source.take(Want()).processes.get(subject.said[0]) is None


OF_AN_ORDINARY_USER = """
LIBC.shmat.restype = ctypes.c_void_p
segment = LIBC.shmget(0x6161, 4096, 0o1600)
address = LIBC.shmat(segment, None, 0)
say(segment, os.getpid())
stay()
"""
NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")


def test_a_namespace_that_does_not_let_us_in_is_named_and_what_is_mapped_there_still_told(
    root: None, start: Start
) -> None:
    if subprocess.run(
        [*NOBODY, sys.executable, "-c", "import ipcinspect.cli"], cwd=ROOT, capture_output=True
    ).returncode:
        pytest.skip(f"an ordinary user may not run {sys.executable}, or not read {ROOT}")
    command = (*NOBODY, "unshare", "--user", "--map-root-user", "--ipc")
    if subprocess.run([*command, sys.executable, "-c", "import json"], check=False, capture_output=True).returncode:
        pytest.skip("an ordinary user may not make a user namespace here, or not run this interpreter in it")
    subject = start(OF_AN_ORDINARY_USER, command=command)
    segment, _ = subject.said
    ipc = inode_of(subject.pid, "ipc")
    shown = subprocess.run(
        [*NOBODY, sys.executable, "-m", "ipcinspect", "show", "--json", f"sysv-shm:{segment}@ipc:[{ipc}]"],
        cwd=ROOT, capture_output=True, check=False, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    told = json.loads(shown.stdout)
    channel = told["channel"] if "channel" in told else told["channels"][0]
    assert (channel["state"], channel["capacity_bytes"]) == ("unknown", None)
    assert [end["pid"] for end in channel["endpoints"]] == [subject.pid]
    assert [gap["why"] for gap in told["gaps"] if str(ipc) in gap["what"]] == ["denied"]


def test_the_last_of_a_container_leaves_no_object_behind(root: None, directory: Path) -> None:
    with contextlib.closing(_Ending(Container(directory))) as kept:
        queue, *_ = kept.container.run(SAME_NAMES)
        address = f"sysv-msg:{queue}@ipc:[{kept.container.namespace('ipc')}]"
        assert find(address, look())
        kept.close()
        until(lambda: not find(address, look()), "its objects are gone")


class _Ending:
    def __init__(self, container: Container) -> None:
        self.container = container

    def close(self) -> None:
        self.container.end()


def test_a_refusal_that_a_question_answers_with_is_an_answer_and_no_closed_namespace(two: Two) -> None:
    numbers = [container.namespace("ipc") for container in two]
    doors = [(number, each.first_pid) for number, each in zip(numbers, two, strict=True)]
    ipc = IpcNamespaces("/proc", inode_of(os.getpid(), "ipc"), doors)
    refusal = Denied("what was asked")
    assert list(ipc.ask(lambda: refusal)) == [(number, refusal) for number in (ipc.own, *sorted(numbers))]
    assert (ipc.shut, ipc.gaps()) == (frozenset(), [])


def test_a_namespace_is_entered_through_another_process_where_the_first_has_left_it(two: Two) -> None:
    number = two[0].namespace("ipc")
    own = inode_of(os.getpid(), "ipc")
    ipc = IpcNamespaces("/proc", own, [(number, os.getpid()), (number, two[0].first_pid)])
    assert [place for place, _ in ipc.ask(lambda: 1)] == [own, number], "ours is no door to it, the next one is"
    assert ipc.ask_in(number, lambda: 2) == 2


def test_memory_that_a_process_outside_of_our_pid_namespace_has_is_not_orphaned(root: None, start: Start) -> None:
    """A container with the host's IPC and without its processes: whoever holds it is not in its /proc."""
    name = f"ipci-{os.urandom(8).hex()}"
    holder = start("f = open(ARGS[0], 'wb+'); f.truncate(4096); say(); stay()", f"/dev/shm/{name}")
    try:
        command = ["unshare", "--pid", "--fork", "--mount-proc", sys.executable, "-m", "ipcinspect", "list", "--json"]
        told = subprocess.run(
            [*command, f"posix-shm:/{name}"],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=True,
        )
        document = json.loads(told.stdout)
        assert [one["state"] for one in document["channels"]] == ["unknown"]
        assert "processes outside of our pid namespace" in {gap["what"] for gap in document["gaps"]}
        assert holder.process.poll() is None
    finally:
        os.unlink(f"/dev/shm/{name}")
