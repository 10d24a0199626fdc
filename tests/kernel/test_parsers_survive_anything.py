"""Whatever stands in a kernel's table, a reader gives rows or passes lines over; it never fails in another way.

A table can be cut at any byte, a name in it can hold anything that its process chose, and a kernel newer or older than
ours can print columns that nobody here has seen.
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ipcinspect.export.dump import dump
from ipcinspect.kernel import (
    call_targets,
    calls,
    cgroup,
    descriptor_targets,
    fdinfo,
    futex_words,
    host,
    inet_diag,
    inotify,
    last_ran,
    limits,
    locks,
    maps,
    memory_reader,
    mounts,
    mqueue,
    netlink,
    netlink_diag,
    packet_diag,
    passwd,
    privileges,
    proc_net,
    procfs,
    shm_files,
    sockaddr,
    sysvipc,
    thread_ids,
    thread_status,
    unix_diag,
)
from ipcinspect.model import payload
from ipcinspect.model.contents import Piece
from tests.kernel.fdinfo_samples import FDINFO_PARSERS

STAT = b"42 (a name) S 1 42 42 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 123456 1000 200\n"
STATUS = b"Name:\tsh\nUmask:\t0022\nUid:\t1000\t1001\t1000\t1000\nGid:\t5\t5\t5\t5\n"
SIGNALS = (
    b"Name:\tsh\nThreads:\t1\nSigQ:\t0/95\nSigPnd:\t0000000000000000\nShdPnd:\t0000000000000200\n"
    b"SigBlk:\t0000000000010000\nSigIgn:\t0000000000384004\nSigCgt:\t000000004b813efb\n"
)
WATCHED = b"pos:\t0\nino:\t9\ntfd:  3 events: 80000019 data:  3  pos:0 ino:40f sdev:10\n"
THREAD_STATUS = (
    b"Name:\tsh\nState:\tS (sleeping)\nNSpid:\t77\t5\nvoluntary_ctxt_switches:\t150\nnonvoluntary_ctxt_switches:\t545\n"
)
MAPS = b"7f00-7f10 rw-s 00000000 00:01 229376                     /SYSV00005151 (deleted)\n"
RIGHTS = b"Uid:\t1000\t1000\t1000\t1000\nCapEff:\t00000000a80425fb\nNoNewPrivs:\t0\nSeccomp:\t2\n"
PROC_MOUNT = b"21 1 0:20 / /proc rw,relatime shared:5 - proc proc rw,gid=27,hidepid=invisible\n"
MOUNTS = b"36 35 98:0 /mnt1 /mnt\\0402 rw,noatime master:1 - ext3 /dev/root rw,errors=continue\n"
QUEUE = b"QSIZE:129     NOTIFY:2    SIGNO:0    NOTIFY_PID:8260\n"
QUEUES = (
    b"       key      msqid perms      cbytes       qnum lspid lrpid   uid   gid  cuid  cgid      stime      rtime"
    b"      ctime\n     20817          7   600          32          1   100     0     0     0     0     0 1700000000"
    b"          0 1700000000\n"
)
UNIX = (
    b"Num       RefCount Protocol Flags    Type St Inode Path\n"
    b"ffff9d9a: 00000002 00000000 00010000 0001 01 20817 /run/a name with blanks\n"
)
TCP = (
    b"  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
    b"   0: 0100007F:1538 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 20817 1 0 100 0\n"
)
NETLINK = (
    b"sk               Eth Pid        Groups   Rmem     Wmem     Dump  Locks    Drops    Inode\n"
    b"00000000f7fd117a 15  1234       00000001 512      0        0     2        3        20817\n"
)
PACKET = (
    b"sk               RefCnt Type Proto  Iface R Rmem   User   Inode\n"
    b"0000000077731694 3      3    0003   2     1 0      0      20817\n"
)
NETLINK_ROW = struct.pack("=BBBBIIIIIIHH9IHHQ", 16, 3, 15, 0, 1234, 0, 0, 20817, 1, 0, 40, 0, *range(9), 12, 1, 5)
PACKET_ROW = struct.pack("=BBHIIIHH6IHHI", 17, 3, 3, 20817, 1, 0, 28, 0, 2, 1, 0, 0, 0, 1, 8, 4, 0x10007)
CGROUP = b"0::/system.slice/docker-0123456789abcdef0123456789abcdef.scope\n"
PASSWD = b"root:x:0:0:root:/root:/bin/bash\nana:x:1000:1000::/home/ana:/bin/sh\n"
FDINFO = b"pos:\t0\nflags:\t02000002\nmnt_id:\t10\nino:\t53849\nscm_fds: 2\n"

LOCKS = (
    b"1: POSIX  ADVISORY  WRITE 20513 fe:00:2149172 5 9\n"
    b"1: -> POSIX  ADVISORY  WRITE 20562 fe:00:2149172 0 EOF\n"
    b"2: OFDLCK ADVISORY  READ -1 fe:00:2149173 0 9\n"
    b"3: LEASE  BREAKING  UNLCK 7 fe:00:9 0 EOF\n"
    b"3: -> LEASE  BREAKER   READ 8 <none>:0 0 EOF\n"
)
MUTEX_WORD = futex_words.Word(0x7F0000001000, True, False, 2, True, True)
SYSCALL = b"202 0x7f1000000010 0x9 0x2 0x0 0x0 0xffffffff 0x7fffbf36f8e8 0x7ff235716897\n"

PARSERS: list[tuple[str, Callable[[bytes], object], bytes]] = [
    ("maps", maps.parse_shared, MAPS),
    ("device in maps", lambda text: maps.parse_device_at(text, 0x7F00), b"0000" + MAPS),
    ("semaphore", lambda data: shm_files.parse_semaphore(data, 32), struct.pack("<IIII", 3, 1, 128, 0)),
    ("page table", memory_reader.present_pages, struct.pack("=3Q", 1 << 63, 0, 1 << 62)),
    ("mountinfo", mounts.parse_mounts, MOUNTS),
    ("rights", lambda text: privileges.parse_rights(os.fsdecode(text), 0), RIGHTS),
    ("options of /proc", lambda text: privileges.parse_proc_options(os.fsdecode(text), "/proc"), PROC_MOUNT),
    ("sched", last_ran.parse_last_ran, b"sh (7, #threads: 1)\n---\nse.exec_start      :       7058364.814825\n"),
    ("processor in stat", last_ran.parse_processor, STAT + b" 0" * 14 + b" 1 0 0\n"),
    ("cmdline", procfs.parse_cmdline, b"sh\0-c\0true\0"),
    ("cgroup", cgroup.parse_container, CGROUP),
    ("sysvipc/msg", sysvipc.parse_queues, QUEUES),
    ("sysvipc/sem", sysvipc.parse_semaphore_sets, QUEUES),
    ("sysvipc/shm", sysvipc.parse_segments, QUEUES),
    ("events of an inotify", inotify.parse_events, struct.pack("=iIII8siIII", 1, 2, 0, 8, b"a name", -1, 0x4000, 0, 0)),
    ("watches of an inotify", inotify.parse_marks, FDINFO + b"inotify wd:1 ino:491f9e sdev:f mask:3 ignored_mask:0\n"),
    ("net/unix", lambda text: proc_net.parse_unix(text, 1), UNIX),
    ("net/tcp", lambda text: proc_net.parse_inet(text, socket.AF_INET, socket.IPPROTO_TCP, 1), TCP),
    ("passwd", passwd.parse_passwd, PASSWD),
    ("locks", locks.parse, LOCKS),
    ("lock lines of fdinfo", locks.parse, b"pos:\t0\nflags:\t02\nlock:\t1: FLOCK  ADVISORY  READ 5 00:1b:9 0 EOF\n"),
    ("futex_waitv", futex_words.parse_waiters, struct.pack("=QQII", 1, 0x7F0000001000, 2, 0) * 2),
    (
        "memory of a mutex",
        lambda text: futex_words.read_lock(text, 12, MUTEX_WORD),
        bytes(12) + struct.pack("=8I", 2, 0, 7, 1, 128, 0, 0, 0),
    ),
    ("epoll", lambda text: descriptor_targets.parse_watched(text, 4), WATCHED),
    ("polled descriptors", descriptor_targets.parse_polled, struct.pack("=ihhihh", 5, 1, 0, 6, 4, 0)),
    ("set of descriptors", lambda data: descriptor_targets.parse_set(data, 1024), struct.pack("=QQ", 9, 1)),
    ("operations on semaphores", call_targets.parse_operations, struct.pack("=HhhHhh", 1, -2, 0, 0, 1, 0)),
    ("syscall", lambda text: calls.parse_call(text, 7, "x86_64"), SYSCALL),
    ("address of the internet", sockaddr.parse_inet, struct.pack("=HH4s8x", 2, 80, b"\x7f\0\0\1")),
    ("address of unix", sockaddr.parse_unix, b"\1\0/run/a name\0"),
    ("fdinfo: descriptors in flight", fdinfo.parse_riders, FDINFO),
    ("fdinfo: inode", fdinfo.parse_inode, FDINFO),
    ("netlink", lambda text: list(netlink.messages(text)), struct.pack("=IHHII4x", 20, 20, 2, 1, 0)),
    ("attributes", lambda text: netlink.attributes(text, 0), struct.pack("=HHI", 8, 2, 77)),
    ("unix_diag", lambda text: unix_diag.parse(text, 1), struct.pack("=BBBBIIIHHI", 1, 1, 1, 0, 7, 0, 0, 8, 2, 9)),
    ("net/netlink", lambda text: proc_net.parse_netlink(text, 1), NETLINK),
    ("net/packet", lambda text: proc_net.parse_packet(text, 1), PACKET),
    ("netlink_diag", lambda text: netlink_diag.parse(text, 1), NETLINK_ROW),
    ("packet_diag", lambda text: packet_diag.parse(text, 1), PACKET_ROW),
    *FDINFO_PARSERS,
    ("inet_diag", lambda text: inet_diag.parse(text, socket.IPPROTO_TCP, 1), b"\x02\x01" + bytes(70)),
    ("shape of a payload", payload.shape, b'{"a": [1, 2.5e3, "b\\u00e9"]}\n{"c": null}\n'),
    ("payload as JSON", lambda data: list(dump(Piece(data, None), "JSON")), b'[{"a": tru'),
    ("payload as text", lambda data: list(dump(Piece(data, None), "text")), b"one\ntwo\0\0\0\0\0\0\0\0\0"),
    ("payload in hexadecimal", lambda data: list(dump(Piece(data, None), "hex")), bytes(64)),
]
REFUSING: list[tuple[str, Callable[[bytes], object], bytes]] = [
    ("stat", procfs.parse_stat, STAT),
    ("status", procfs.parse_effective_uid, STATUS),
    ("signals", procfs.parse_signals, SIGNALS),
    ("version", lambda text: host.parse_version(text.decode("latin-1")), b"6.1.0-18-amd64"),
    (
        "limits",
        limits.parse_open_files,
        b"Limit   Soft Limit  Hard Limit  Units\nMax open files   1024   4096   files\n",
    ),
    ("a sysctl", limits.parse_last_number, b"32000\t1024000000\t500\t32000\n"),
    ("status of a thread", thread_status.parse_status, THREAD_STATUS),
    ("flags", fdinfo.parse_flags, b"pos:\t0\nflags:\t02100002\nmnt_id:\t15\nino:\t77\n"),
    ("numbers of a thread", thread_ids.parse_numbers, b"Name:\tsh\nNSpid:\t77\t5\n"),
    ("a queue's file", mqueue.parse_status, QUEUE),
    ("namespace", lambda text: procfs.parse_namespace(text.decode("latin-1")), b"net:[4026531840]"),
]
"""These say ValueError, which the walk takes for a process that went."""


PLACES = st.integers(0, 1023)
PUT_IN = st.binary(max_size=6) | st.text("0123456789abcdef:", max_size=20).map(str.encode)
CHANGES = st.lists(st.tuples(PLACES, st.integers(0, 4), PUT_IN), max_size=4)


def damaged(sample: bytes, changes: list[tuple[int, int, bytes]], length: int | None) -> bytes:
    """A real text with bytes changed, put in or cut out, or cut off; places beyond its end are taken from its start."""
    text = bytearray(sample)
    for place, cut_out, put_in in changes:
        at = place % (len(text) + 1)
        text[at : at + cut_out] = put_in
    return bytes(text if length is None else text[: length % (len(text) + 1)])


named = pytest.mark.parametrize(("name", "parser", "sample"), PARSERS, ids=[row[0] for row in PARSERS])
refusing = pytest.mark.parametrize(("name", "parser", "sample"), REFUSING, ids=[row[0] for row in REFUSING])


@named
@given(changes=CHANGES, length=st.none() | PLACES)
def test_a_damaged_table_gives_what_can_be_read(
    name: str,
    parser: Callable[[bytes], object],
    sample: bytes,
    changes: list[tuple[int, int, bytes]],
    length: int | None,
) -> None:
    parser(damaged(sample, changes, length))


@named
@settings(max_examples=50)
@given(text=st.binary(max_size=400))
def test_any_bytes_at_all_are_survived(
    name: str, parser: Callable[[bytes], object], sample: bytes, text: bytes
) -> None:
    parser(text)


@refusing
@given(changes=CHANGES, length=st.none() | PLACES)
def test_a_damaged_table_is_read_or_refused_in_one_way(
    name: str,
    parser: Callable[[bytes], object],
    sample: bytes,
    changes: list[tuple[int, int, bytes]],
    length: int | None,
) -> None:
    with contextlib.suppress(ValueError):
        parser(damaged(sample, changes, length))


@refusing
@settings(max_examples=50)
@given(text=st.binary(max_size=200))
def test_what_makes_no_sense_is_refused_in_one_way(
    name: str, parser: Callable[[bytes], object], sample: bytes, text: bytes
) -> None:
    with contextlib.suppress(ValueError):
        parser(text)


@pytest.mark.parametrize(
    "line",
    [
        b"7f00-7f10 rw-s 0 ffffffffffffffff:ffffffffffffffff 1 /x\n",
        b"7f00-7f10 rw-s 0 00:01 " + b"9" * 5000 + b" /x\n",
    ],
    ids=["device beyond any", "inode of 5000 digits"],
)
def test_a_mapping_with_impossible_numbers_is_passed_over(line: bytes) -> None:
    assert [mapping.name for mapping in maps.parse_shared(line + MAPS)] == ["/SYSV00005151 (deleted)"]


def test_a_user_with_an_impossible_number_is_passed_over() -> None:
    assert passwd.parse_passwd(b"odd:x:" + b"9" * 5000 + b":0:::\n" + PASSWD) == {0: "root", 1000: "ana"}


@given(st.binary(min_size=1, max_size=15).filter(lambda name: b"\0" not in name), st.integers(0, 1 << 22))
def test_the_name_of_a_process_cannot_forge_its_other_fields(name: bytes, ppid: int) -> None:
    row = procfs.parse_stat(STAT.replace(b"a name", name).replace(b" S 1 ", b" S %d " % ppid))
    assert (row.comm.encode("utf-8", "surrogateescape"), row.state, row.ppid, row.starttime) == (
        name,
        "S",
        ppid,
        123456,
    )


@given(st.text(st.characters(exclude_characters="\n\0"), min_size=1, max_size=60))
def test_the_path_of_a_socket_cannot_forge_a_row(path: str) -> None:
    raw = path.encode("utf-8", "surrogatepass")
    rows = proc_net.parse_unix(UNIX.replace(b"/run/a name with blanks", b"/" + raw), 1)
    assert [(row.ino, row.name) for row in rows] == [(20817, b"/" + raw)]


@given(st.binary(max_size=40).filter(lambda name: b"\n" not in name))
def test_the_name_of_a_mapping_cannot_forge_a_mapping(name: bytes) -> None:
    rows = maps.parse_shared(MAPS.replace(b"SYSV00005151", name) * 2)
    assert len(rows) == 2


def test_netlink_and_packet_rows_are_read_exactly() -> None:
    (netlink_row,), (packet_row,) = proc_net.parse_netlink(NETLINK, 9), proc_net.parse_packet(PACKET, 9)
    assert netlink_row == netlink_diag.NetlinkSocket(20817, 15, 1234, None, None, (1,), 512, None, 3, None, 9)
    assert (packet_row.ino, packet_row.type, packet_row.protocol, packet_row.ifindex) == (20817, 3, 3, 2)
    told = netlink_diag.parse(NETLINK_ROW, 9)
    assert told == netlink_diag.NetlinkSocket(20817, 15, 1234, 0, 0, (1, 3), 0, 1, 8, None, 9)
    frame = packet_diag.parse(PACKET_ROW, 9)
    assert frame is not None
    assert (frame.ifindex, frame.running, frame.uid, frame.rmem_alloc) == (2, True, None, None)
    assert packet_diag.fanout_name(frame.fanout or 0) == "7 load-balance"


def test_a_device_that_no_kernel_has_leaves_the_watched_file_out_and_says_so() -> None:
    sane = b"pos:\t0\nino:\t9\ntfd:  3 events: 19 data:  3  pos:0 ino:40f sdev:10\n"
    assert descriptor_targets.parse_watched(sane, 4).is_complete
    odd = descriptor_targets.parse_watched(sane.replace(b"sdev:10", b"sdev:1" + b"0" * 13), 4)
    assert (list(odd.targets), odd.is_complete) == ([], False)
