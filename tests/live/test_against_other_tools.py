"""Our look against lsfd, ss, lsof, ipcs, psutil and pyroute2, for everything on the machine that held still.

The subjects make sure that every mechanism is there. Where a tool systematically says something else, a test here
shows the difference and who is right.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.live import oracles
from tests.live.conftest import Start
from tests.live.oracles import Held, channels_by_inode, held_by_us, ss_inet, ss_unix, steady, sysvipc
from tests.live.subjects import Subject, channel_at, ends, field, inode, look, system_v

pytestmark = pytest.mark.alone

Record = Callable[[str, object], None]

EVERYTHING = """
import tempfile
keep = [*os.pipe(), *os.pipe()]
os.mkfifo(ARGS[0] + "/fifo"); keep.append(os.open(ARGS[0] + "/fifo", os.O_RDWR))
for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET):
    keep += socket.socketpair(socket.AF_UNIX, kind)
listener = socket.socket(socket.AF_UNIX); listener.bind(ARGS[0] + "/listener"); listener.listen()
client = socket.socket(socket.AF_UNIX); client.connect(ARGS[0] + "/listener")
keep += [listener, client, listener.accept()[0]]
waiting = socket.socket(socket.AF_UNIX); waiting.connect(ARGS[0] + "/listener"); keep.append(waiting)
log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); log.bind(ARGS[0] + "/log")
sender = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); sender.connect(ARGS[0] + "/log"); keep += [log, sender]
for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"), (socket.AF_INET6, "::")):
    tcp = socket.create_server((host, 0), family=family, dualstack_ipv6=host == "::")
    to = "127.0.0.1" if host == "::" else host
    one = socket.create_connection((to, tcp.getsockname()[1])); keep += [tcp, one, tcp.accept()[0]]
    udp = socket.socket(family, socket.SOCK_DGRAM); udp.bind((host, 0))
    other = socket.socket(socket.AF_INET6 if ":" in to else socket.AF_INET, socket.SOCK_DGRAM)
    other.connect((to, udp.getsockname()[1])); keep += [udp, other]
child = os.fork()
if not child: signal.pause()
say(child)
try: stay()
finally: os.kill(child, signal.SIGKILL)
"""


@pytest.fixture
def everything(start: Start, directory: Path) -> Subject:
    """A process and its child with every mechanism open."""
    return start(EVERYTHING, str(directory))


def need(tool: str) -> None:
    """Skips where an oracle is not installed."""
    if shutil.which(tool) is None:
        pytest.skip(f"no {tool} here: apt-get install lsof util-linux iproute2")


def test_every_descriptor_of_a_channel_is_the_one_that_lsfd_lists(everything: Subject, record_property: Record) -> None:
    need("lsfd")
    theirs, snapshot = steady(oracles.lsfd)
    ours = held_by_us(snapshot)
    ours_of_theirs = {held for held in ours if (held.pid, held.fd) in {(row.pid, row.fd) for row in theirs}}
    # netlink and packet sockets, which have no room yet, are no channel of ours: lsfd does not tell them apart by TYPE.
    known = {row for row in theirs if row.kind != "socket" or row.inode in _tabled()}
    record_property("descriptors_equal_to_lsfd", len(known))
    assert known - ours == set(), "lsfd lists them, we do not"
    assert ours_of_theirs - theirs == set(), "we say something else of these"
    started = [row for row in known if row.pid in (everything.pid, *everything.said)]
    assert {row.kind for row in started} == {"pipe", "fifo", "socket"}
    assert len(started) > 60
    print(f"{len(known)} descriptors equal to lsfd's, {len(started)} of them of the subjects")


def _tabled() -> set[int]:
    """Inodes of the unix, TCP and UDP sockets of our network namespace, by their tables in /proc."""
    numbers = set()
    for name in ("unix", "tcp", "tcp6", "udp", "udp6"):
        place = 6 if name == "unix" else 9
        for line in Path(f"/proc/net/{name}").read_bytes().splitlines()[1:]:
            numbers.add(int(line.split()[place]))
    return numbers


def test_nothing_is_listed_that_lsfd_does_not_list(everything: Subject, record_property: Record) -> None:
    """The other direction: what we say was there before and after exists."""
    need("lsfd")
    before = held_by_us(look())
    theirs = oracles.lsfd()
    steady_ours = before & held_by_us(look())
    record_property("our_descriptors_known_to_lsfd", len(steady_ours))
    assert steady_ours - theirs == set()
    print(f"{len(steady_ours)} descriptors of ours, all known to lsfd")


def test_unix_peers_are_those_that_ss_tells(everything: Subject, record_property: Record) -> None:
    need("ss")
    rows, snapshot = steady(ss_unix)
    by_inode = channels_by_inode(snapshot, "unix")
    holders = {(row.inode, place) for row in rows for place in row.holders}
    ours = {
        (end.inode, (end.process.pid, end.fd))
        for channels in by_inode.values()
        for channel in channels
        for end in channel.endpoints
        if end.process is not None
    }
    pairs = [row for row in rows if row.peer]
    apart = [row for row in pairs if not any(_has_both(channel, row) for channel in by_inode.get(row.inode, []))]
    record_property("unix_peers_equal_to_ss", len(pairs))
    assert not apart
    assert holders <= ours
    assert len(pairs) >= 9
    print(f"{len(pairs)} peers and {len(holders)} holders equal to those of ss -xp")


def _has_both(channel, row) -> bool:
    return {row.inode, row.peer} <= {end.inode for end in channel.endpoints}


def test_internet_ends_and_queues_are_those_that_ss_tells(everything: Subject, record_property: Record) -> None:
    need("ss")
    rows, snapshot = steady(ss_inet)
    compared = 0
    for row in rows:
        if not row.inode:
            continue
        found = channels_by_inode(snapshot, row.protocol).get(row.inode, [])
        assert found, row
        mine = {
            (end.process.pid, end.fd)
            for channel in found
            for end in channel.endpoints
            if end.process and end.inode == row.inode
        }
        assert mine == row.holders, row
        compared += len(mine)
        if row.protocol == "tcp":
            (channel,) = found
            sides = {end.side for end in channel.endpoints if end.inode == row.inode}
            if row.state == "LISTEN":
                assert (field(channel, "pending"), field(channel, "backlog")) == (row.receive_queue, row.send_queue)
            for side in sides - ({"b", "a"} if row.state == "LISTEN" else set()):
                queues = field(channel, f"receive_queue_{side}"), field(channel, f"send_queue_{side}")
                assert queues == (row.receive_queue, row.send_queue), row
    record_property("internet_holders_equal_to_ss", compared)
    assert compared >= 30
    print(f"{len(rows)} sockets and {compared} holders equal to those of ss -tuanp")


def test_tcp_pairs_are_those_of_pyroute2(everything: Subject, record_property: Record) -> None:
    pyroute2 = pytest.importorskip("pyroute2")

    def pairs() -> frozenset[frozenset[int]]:
        with pyroute2.DiagSocket() as diag:
            diag.bind()
            rows = [row for family in (socket.AF_INET, socket.AF_INET6) for row in diag.get_sock_stats(family=family)]
        places = {}
        for row in rows:
            source, target = (
                (row[f"idiag_{end}"].removeprefix("::ffff:"), row[f"idiag_{port}"])
                for end, port in (("src", "sport"), ("dst", "dport"))
            )
            places[source, target] = row["idiag_inode"]
        return frozenset(
            frozenset((number, places[target, source]))
            for (source, target), number in places.items()
            if number and places.get((target, source))
        )

    theirs, snapshot = steady(pairs)
    ours = {
        frozenset(end.inode for end in channel.endpoints)
        for channel in snapshot.channels
        if channel.mechanism == "tcp" and field(channel, "backlog") is None
    }
    record_property("tcp_pairs_equal_to_pyroute2", len(theirs))
    assert theirs <= ours
    assert len(theirs) >= 3
    print(f"{len(theirs)} TCP pairs equal to those of pyroute2")


def test_connections_are_those_of_psutil(everything: Subject, record_property: Record) -> None:
    psutil = pytest.importorskip("psutil")
    compared = 0
    theirs = {
        (row.fd, f"{row.laddr.ip.removeprefix('::ffff:')}:{row.laddr.port}")
        for row in psutil.Process(everything.pid).net_connections("inet")
    }
    ours = {
        (end.fd, (end.address or "").replace("[", "").replace("]", ""))
        for channel in look().channels
        if channel.mechanism in ("tcp", "udp")
        for end in channel.endpoints
        if end.process is not None and end.process.pid == everything.pid
    }
    compared = len(theirs)
    record_property("connections_equal_to_psutil", compared)
    assert theirs == ours
    assert compared >= 15


def test_processes_are_those_of_psutil(everything: Subject) -> None:
    psutil = pytest.importorskip("psutil")
    snapshot = look(cmdlines=True)
    for pid in (everything.pid, os.getpid(), 1):
        theirs, ours = psutil.Process(pid), snapshot.processes[pid]
        assert (ours.ppid, ours.uid) == (theirs.ppid(), theirs.uids().effective)
        assert theirs.name().startswith(ours.comm)
        assert list(ours.cmdline or ()) == theirs.cmdline() or len(ours.cmdline or ()) > 1000


def test_system_v_objects_are_those_of_proc_and_ipcs(start: Start, record_property: Record) -> None:
    need("ipcs")
    subject = start(SYSTEM_V)
    msqid, semid, shmid = subject.said
    snapshot = look()
    compared = 0
    for name, number, word in (("msg", "msqid", "-q"), ("sem", "semid", "-s"), ("shm", "shmid", "-m")):
        rows = {int(row[number]): row for row in sysvipc(name)}
        listed = {int(line.split()[1]) for line in oracles.run("ipcs", word).splitlines() if line.startswith("0x")}
        ours = {channel.key.number: channel for channel in snapshot.channels if channel.mechanism == f"sysv-{name}"}
        assert set(rows) == set(ours) == listed
        for key, row in rows.items():
            assert field(ours[key], "key") == int(row["key"]) & 0xFFFFFFFF
            assert field(ours[key], "mode") == int(row["perms"], 8) & 0o777
            assert field(ours[key], "owner_uid") == int(row["uid"])
        compared += len(rows)
    queue, segment = system_v(snapshot, "sysv-msg", msqid), system_v(snapshot, "sysv-shm", shmid)
    assert (queue.queued_bytes, queue.queued_messages) == (5, 1)
    assert ends(queue, "writer") == {(subject.pid, None)}
    assert ends(segment, "attached") == {(subject.pid, None)}
    assert field(system_v(snapshot, "sysv-sem", semid), "values") == "3 0"
    record_property("system_v_objects_equal_to_proc", compared)
    print(f"{compared} System V objects equal to /proc/sysvipc and ipcs")


SYSTEM_V = """
LIBC.shmat.restype = ctypes.c_void_p
LIBC.shmat.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_int)
msqid, semid, shmid = LIBC.msgget(0, 0o1600), LIBC.semget(0, 2, 0o1600), LIBC.shmget(0, 8192, 0o1600)
try:
    checked(LIBC.msgsnd(msqid, struct.pack("@l5s", 1, b"hello"), 5, 0))
    checked(LIBC.semctl(semid, 0, 16, 3))
    assert LIBC.shmat(shmid, None, 0) > 0
    say(msqid, semid, shmid)
    stay()
finally:
    LIBC.msgctl(msqid, 0, None); LIBC.semctl(semid, 0, 0, 0); LIBC.shmctl(shmid, 0, None)
"""


def test_lsof_misses_the_peer_of_an_ipv4_connection_to_an_ipv6_socket() -> None:
    """A systematic difference: lsof 4.95 joins the ends by the text of their addresses, and these differ."""
    need("lsof")
    with (
        socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True) as listener,
        socket.create_connection(("127.0.0.1", listener.getsockname()[1])) as client,
        listener.accept()[0] as accepted,
    ):
        channel = channel_at(look(), "tcp", inode(client.fileno()))
        assert ends(channel) == {(os.getpid(), client.fileno()), (os.getpid(), accepted.fileno())}
        said = subprocess.run(
            ["lsof", "-nP", "-a", "-p", str(os.getpid()), "-d", f"{client.fileno()},{accepted.fileno()}", "+E"],
            capture_output=True, text=True, check=False,
        ).stdout  # fmt: skip
        assert said.count("IPv6") == 1
        assert said.count("IPv4") == 1, "the same connection in two families"


def test_lsfd_knows_equal_inodes_apart_by_device_only(root: None, start: Start, directory: Path) -> None:
    """A systematic difference: two FIFOs of one inode number on two mounts are one to whoever joins by inode."""
    need("lsfd")
    from tests.live.test_pipes import TWO_EQUAL_FIFOS

    subject = start(TWO_EQUAL_FIFOS, str(directory))
    fds, inodes = subject.said
    theirs = {row for row in oracles.lsfd() if row.pid == subject.pid and row.kind == "fifo"}
    assert theirs == {Held(subject.pid, fd, "fifo", inodes[0]) for fd in fds}, "no difference by inode"
    assert (
        len(
            {
                channel.key
                for channel in look().channels
                if channel.mechanism == "fifo" and ends(channel) & {(subject.pid, fd) for fd in fds}
            }
        )
        == 2
    )


def test_ss_sees_one_namespace_and_we_see_all(root: None, start: Start) -> None:
    """A systematic difference: a socket of another network namespace is in no table that ss reads."""
    need("ss")
    subject = start("one, other = socket.socketpair(); say(ino(one), ino(other)); stay()", command=["unshare", "-n"])
    assert not {row.inode for row in ss_unix()} & set(subject.said)
    channel = channel_at(look(), "unix", subject.said[0])
    assert {end.inode for end in channel.endpoints} == set(subject.said)


def test_keys_and_ids_are_unique_and_every_descriptor_has_its_channel(everything: Subject) -> None:
    snapshot = look()
    keys = [channel.key for channel in snapshot.channels]
    ids = [channel.id for channel in snapshot.channels]
    assert len(set(keys)) == len(keys)
    assert len(set(ids)) == len(ids)
    for row in snapshot.descriptors[everything.pid]:
        if row.kind in ("pipe", "fifo", "unix", "tcp", "udp", "socket"):
            assert row.channel in set(keys), row
