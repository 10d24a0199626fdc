"""Files below /proc that never answer, tables that come to no end, a user database that hangs: fakes at the seams."""

from __future__ import annotations

import os
import pwd
import struct
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ipcinspect.collector import Collector
from ipcinspect.kernel import cgroup, fdinfo, host, maps, netlink, passwd, procfs
from ipcinspect.kernel.errors import Denied, KernelError, TimedOut, Unsupported
from ipcinspect.kernel.passwd import UserNames
from ipcinspect.mechanisms import socket_tables
from ipcinspect.mechanisms.socket_tables import SocketTables
from ipcinspect.model.snapshot import Snapshot, Want

STAT = "{pid} ({comm}) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 {start} 0 0\n"
STATUS = "Name:\t{comm}\nUid:\t1000\t1001\t1000\t1000\n"
IN_TIME_S = 10.0
"""A process that does not answer costs two seconds, once; the machine may be busy."""
SILENT = ("maps", "cmdline", "cgroup", "status", "stat")


class FakeProc:
    """A /proc in a directory; a FIFO that nobody writes to stands for a file that does not answer."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "self").symlink_to(str(os.getpid()))
        self.pipes: dict[int, Path] = {}
        for pid, comm in ((1, "init"), (os.getpid(), "observer"), (4001, "one"), (4002, "two"), (4003, "three")):
            self.process(pid, comm)

    def process(self, pid: int, comm: str) -> None:
        """A process with one pipe."""
        place = self.root / str(pid)
        (place / "fd").mkdir(parents=True)
        (place / "stat").write_text(STAT.format(pid=pid, comm=comm, start=pid))
        (place / "status").write_text(STATUS.format(comm=comm))
        (place / "cgroup").write_text("0::/\n")
        (place / "cmdline").write_text(f"{comm}\0-x\0")
        (place / "maps").write_text("")
        (place / "fd" / "3").symlink_to(f"pipe:[{pid * 10}]")

    def silence(self, pid: int, name: str) -> None:
        """From now on reading this file blocks for good."""
        path = self.root / str(pid) / name
        path.unlink()
        os.mkfifo(path)
        self.pipes[pid] = path

    def let_go(self) -> None:
        """Whoever still reads gets an end of file."""
        for path in self.pipes.values():
            deadline = time.monotonic() + 5
            while time.monotonic() < deadline:
                try:
                    os.close(os.open(path, os.O_WRONLY | os.O_NONBLOCK))
                except OSError:
                    break
                time.sleep(0.01)


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[FakeProc]:
    """A fake /proc."""
    made = FakeProc(tmp_path)
    yield made
    made.let_go()


def collector(fake: FakeProc) -> Collector:
    """A collector of that /proc."""
    return Collector(str(fake.root), "/etc/passwd", lambda: 1.7e9, lambda: None)


WANT = Want(descriptors=True, cmdlines=True)


@pytest.mark.parametrize("name", SILENT)
def test_a_file_that_never_answers_leaves_out_its_process_alone(fake: FakeProc, name: str) -> None:
    fake.silence(4002, name)
    begun = time.monotonic()
    looking = collector(fake)
    first = looking.collect(WANT)
    assert time.monotonic() - begun < IN_TIME_S
    assert set(first.processes) == {1, os.getpid(), 4001, 4003}
    assert _late(first) == [("processes that did not answer (4002)", 1)]
    threads = threading.active_count()
    begun = time.monotonic()
    for _ in range(5):
        assert _late(looking.collect(WANT)) == _late(first)
    assert time.monotonic() - begun < IN_TIME_S / 2, "it is not waited for again"
    assert threading.active_count() <= threads


def _late(seen: Snapshot) -> list[tuple[str, int | None]]:
    return [(gap.what, gap.count) for gap in seen.gaps if gap.why == "timed out" and "answer" in gap.what]


def test_many_processes_that_never_answer_cost_one_deadline(fake: FakeProc) -> None:
    for pid in range(5000, 5012):
        fake.process(pid, "stuck")
        fake.silence(pid, "maps")
    begun = time.monotonic()
    seen = collector(fake).collect(WANT)
    assert time.monotonic() - begun < IN_TIME_S
    assert set(seen.processes) == {1, os.getpid(), 4001, 4002, 4003}
    assert [count for _, count in _late(seen)] == [12]


def test_a_system_call_that_never_answers_costs_its_deadline_and_the_others_are_told(fake: FakeProc) -> None:
    for pid in (4001, 4002):
        place = fake.root / str(pid)
        (place / "maps").write_text("7f0000000000-7f0000001000 rw-s 00000000 00:01 77   /memfd:shared (deleted)\n")
        (place / "task" / str(pid)).mkdir(parents=True)
        (place / "task" / str(pid) / "syscall").write_text(
            "202 0x7f0000000010 0x0 0x0 0x0 0x0 0x0 0x7fff00000000 0x1\n"
        )
    fake.silence(4002, "task/4002/syscall")
    begun = time.monotonic()
    looking = collector(fake)
    first = looking.collect(WANT)
    assert time.monotonic() - begun < IN_TIME_S
    (word,) = [channel for channel in first.channels if channel.mechanism == "futex"]
    assert [end.process.pid for end in word.endpoints if end.process] == [4001]
    assert [gap.count for gap in first.gaps if "futexes" in gap.what] == [1]
    begun = time.monotonic()
    for _ in range(5):
        assert looking.collect(WANT).channels
    assert time.monotonic() - begun < IN_TIME_S / 2, "it is not waited for again"


def test_files_cut_short_leave_out_what_they_would_have_told(fake: FakeProc) -> None:
    (fake.root / "4001" / "stat").write_text("4001 (one")
    (fake.root / "4002" / "status").write_text("Name:\ttwo\nUid:\t1000")
    (fake.root / "4003" / "status").write_text("Name:\tthree\nUid:")
    seen = collector(fake).collect(WANT)
    assert set(seen.processes) == {1, os.getpid(), 4002, 4003}
    assert (seen.processes[4002].uid, seen.processes[4003].uid) == (None, None)
    assert seen.processes[1].uid == 1001


def test_without_tables_and_records_there_are_gaps_and_no_failure(fake: FakeProc) -> None:
    seen = collector(fake).collect(Want(True, True, False))
    assert not [gap for gap in seen.gaps if "fault" in gap.what]
    assert {gap.what.split()[0] for gap in seen.gaps if gap.why == "unsupported"} >= {
        "sysv-msg",
        "sysv-sem",
        "sysv-shm",
    }
    assert {channel.id for channel in seen.channels if channel.mechanism == "pipe"} >= {"pipe:[40010]"}


def test_a_table_without_an_end_is_read_to_its_limit(tmp_path: Path) -> None:
    (tmp_path / "table").symlink_to("/dev/zero")
    assert procfs.read_table(str(tmp_path / "table"), 100_000) == bytes(100_000)


@pytest.mark.parametrize("error", [Denied("no"), TimedOut("late"), Unsupported("unknown here")])
def test_a_network_namespace_that_cannot_be_asked_is_told_with_its_reason(
    monkeypatch: pytest.MonkeyPatch, error: KernelError, tmp_path: Path
) -> None:
    """Only what is denied is worth the advice to become root."""

    def refuse(*_: object) -> None:
        raise error

    monkeypatch.setattr(socket_tables, "inside", refuse)
    tables = SocketTables(str(tmp_path), 1, [SimpleNamespace(pid=7, net_namespace=2)])  # type: ignore[list-item]
    assert tables.packet == []
    of_others = [gap for gap in tables.gaps if "other" in gap.what]
    assert [(gap.why, gap.count) for gap in of_others] == [(error.why, 1)]


def test_a_user_database_that_hangs_costs_its_deadline_once(monkeypatch: pytest.MonkeyPatch) -> None:
    gate = threading.Event()

    def hang(uid: int) -> None:
        gate.wait(60)
        raise KeyError(uid)

    monkeypatch.setattr(pwd, "getpwuid", hang)
    users = UserNames("/etc/passwd")
    try:
        begun = time.monotonic()
        names, in_time = users.names([0, 424242])
        assert 0.1 < time.monotonic() - begun < IN_TIME_S
        assert (names, in_time) == ({0: "root"}, False)
        threads = threading.active_count()
        begun = time.monotonic()
        for _ in range(100):
            assert users.names([0, 424242]) == ({0: "root"}, False)
        assert time.monotonic() - begun < IN_TIME_S
        assert threading.active_count() == threads
    finally:
        gate.set()


def test_a_uid_that_nobody_has_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def nobody(uid: int) -> object:
        asked.append(uid)
        raise KeyError(uid)

    monkeypatch.setattr(pwd, "getpwuid", nobody)
    users = UserNames("/nonexistent")
    assert users.names([7]) == users.names([7]) == ({}, True)
    assert asked == [7]


class FakeDiag:
    """Answers a dump request with the given datagrams, then with silence."""

    def __init__(self, datagrams: list[bytes]) -> None:
        self._datagrams = iter(datagrams)

    def send(self, request: bytes) -> None:
        """Any request is fine."""

    def recv(self, size: int) -> bytes:
        """The next datagram."""
        for datagram in self._datagrams:
            return datagram
        raise TimeoutError


def message(kind: int, payload: bytes = b"", flags: int = 2) -> bytes:
    """A netlink message."""
    return struct.pack("=IHHII", 16 + len(payload), kind, flags, 1, 0) + payload


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.one_of(st.binary(max_size=80), st.builds(message, st.integers(0, 30), st.binary(max_size=40)))))
def test_a_dump_of_anything_gives_payloads_or_a_documented_error(datagrams: list[bytes]) -> None:
    try:
        payloads = list(netlink.dump(FakeDiag(datagrams), b""))  # type: ignore[arg-type]
    except (KernelError, netlink.Interrupted):
        return
    assert all(isinstance(payload, bytes) for payload in payloads)


def test_a_dump_says_how_it_ended() -> None:
    row, done = message(20, b"row!"), message(3)
    assert list(netlink.dump(FakeDiag([row + row, done]), b"")) == [b"row!", b"row!"]  # type: ignore[arg-type]
    for datagrams, error in (
        ([row], "TimedOut"),
        ([row, message(2, struct.pack("=i", -2))], "Unsupported"),
        ([row, message(20, b"row!", 0x12), done], "Interrupted"),
    ):
        with pytest.raises((KernelError, netlink.Interrupted)) as raised:
            list(netlink.dump(FakeDiag(datagrams), b""))  # type: ignore[arg-type]
        assert type(raised.value).__name__ == error


@given(st.one_of(st.binary(max_size=60), st.builds(lambda value: b"flags:\t" + value, st.binary(max_size=20))))
def test_open_flags_are_read_or_refused(text: bytes) -> None:
    try:
        flags = fdinfo.parse_flags(text)
    except ValueError:
        return
    assert isinstance(fdinfo.flag_words(flags), str)


@given(st.one_of(st.text(max_size=30), st.from_regex(r"\A[0-9]*(\.[0-9]*){0,3}[-+a-z]*\Z")))
def test_a_version_is_two_numbers_whatever_the_release_is_called(release: str) -> None:
    major, minor = host.parse_version(release)
    assert major >= 0
    assert minor >= 0


def test_real_texts_are_read_exactly() -> None:
    assert host.parse_version("6.1.0-18-amd64") == (6, 1)
    assert host.parse_version("6.18.44") == (6, 18)
    assert host.parse_version("5.15-rc1") == (5, 15)
    assert fdinfo.parse_flags(b"pos:\t0\nflags:\t02100002\nmnt_id:\t15\nino:\t7\n") == 0o2100002
    assert fdinfo.flag_words(0o2004001) == "nonblock cloexec"
    assert procfs.parse_stat(b"7 (a) R 1 (b\n) S 3 7 7 0 -1 2097152 0 0 0 0 0 0 0 0 20 0 1 0 99 0 0\n")[:4] == (
        "a) R 1 (b\n",
        "S",
        3,
        2097152,
    )
    assert passwd.parse_passwd(b"root:x:0:0::/:\n+nis\nx:y\ntoor:x:0:0::/:\n") == {0: "root"}


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (b"0::/\n", None),
        (b"0::/init.scope\n", None),
        (b"0::/system.slice\n", None),
        (b"12:cpu,cpuacct:/\n1:name=systemd:/\n0::/\n", None),
        (b"0::/user.slice/user-1000.slice/session-3.scope\n", "systemd:session-3.scope"),
        (b"0::/system.slice/nginx.service\n", "systemd:nginx.service"),
        (b"0::/system.slice/system-getty.slice/getty@tty1.service\n", "systemd:getty@tty1.service"),
        (b"0::/system.slice/dbus.service (deleted)\n", "systemd:dbus.service"),
        (b"0::/system.slice/app.service/evil.service\n", "systemd:app.service"),
        (b"12:cpu:/system.slice/a.service\n1:name=systemd:/system.slice/b.service\n0::/\n", "systemd:b.service"),
        (b"0::/user.slice/user-7.slice/user@7.service/init.scope\n", "systemd:user@7.service"),
        (b"0::/user.slice/user-7.slice/user@7.service/app.slice/dbus.service\n", "systemd:user@7/dbus.service"),
        (b"0::/../../system.slice/nginx.service\n", "systemd:nginx.service"),
        (b"0::/system.slice/\x1b[31m\xff.service\n", "systemd:\x1b[31m\udcff.service"),
        (b"0::/system.slice/docker-" + b"ab" * 32 + b".scope\n", "docker:abababababab"),
        (b"12:cpu:/docker/" + b"cd" * 32 + b"\n0::/\n", "docker:cdcdcdcdcdcd"),
        (b"0::/machine.slice/libpod-" + b"12" * 32 + b".scope/container\n", "podman:121212121212"),
        (
            b"0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1_2.slice/cri-containerd-"
            + b"34" * 32
            + b".scope\n",
            "containerd:343434343434",
        ),
        (b"11:cpu:/kubepods/besteffort/pod1-2/" + b"56" * 32 + b"\n", "kubernetes:565656565656"),
        (b"0::/lxc.payload.web\n", "lxc:web"),
        (b"0::/lxc.payload.web/system.slice/nginx.service\n", "lxc:web"),
        (b"4:memory:/lxc/web\n1:name=systemd:/lxc/web/init.scope\n", "lxc:web"),
        (
            b"0::/user.slice/user-7.slice/user@7.service/user.slice/docker-" + b"78" * 32 + b".scope\n",
            "docker:787878787878",
        ),
        (
            b"0::/docker/"
            + b"ab" * 32
            + b"/kubelet.slice/kubelet-kubepods.slice/cri-containerd-"
            + b"12" * 32
            + b".scope\n",
            "containerd:121212121212",
        ),
        (b"0::/kubepods.slice/kubepods-pod1.slice/crio-" + b"9a" * 32 + b".scope/container\n", "cri-o:9a9a9a9a9a9a"),
        (b"0::/system.slice/nerdctl-" + b"56" * 32 + b".scope\n", "containerd:565656565656"),
        (b"0::/libpod_parent/libpod-" + b"de" * 32 + b"\n", "podman:dededededede"),
        (b"0::/machine.slice/machine-qemu\\x2d1\\x2dvm.scope/libvirt/emulator\n", "libvirt:qemu\\x2d1\\x2dvm"),
        (b"0::/machine.slice/systemd-nspawn@web.service/payload\n", "nspawn:web"),
        (b"0::/machine.slice/machine-web\\x2d1.scope/payload\n", "nspawn:web\\x2d1"),
    ],
)
def test_containers_are_told_by_their_path(text: bytes, name: str | None) -> None:
    assert cgroup.parse_container(text) == name


@pytest.mark.parametrize(
    "text",
    [
        b"0::" + b"/kubepods" * 100_000,
        b"0::" + b"/lxc" * 100_000 + b"\n" * 10,
        b"0::" + b"/machine-x" * 100_000,
        b"0::/docker-" + b"a" * 1_000_000,
        (b"0::/kubepods" + b"/x" * 2000 + b"\n") * 200,
        b"0::" + b"/user@1.service" * 100_000,
        b"".join(b"0::/kubepods%d" % number + b"/x" * 2000 + b"\n" for number in range(20)),
    ],
    ids=["kubepods", "lxc", "machine", "docker", "lines", "units", "different lines"],
)
def test_a_path_made_to_be_slow_is_read_in_no_time(text: bytes) -> None:
    begun = time.process_time()
    cgroup.parse_container(text)
    assert time.process_time() - begun < 3


@pytest.mark.parametrize(
    "text",
    [
        b"a" * 1_000_000,
        b"7f00-7f10 rw-s 00000000 00:01 229376 " + b" " * 1_000_000 + b"x",
        b"7f00-7f10 rw-s 0 00:01 " + b"9" * 10_000 + b" x\n",
        b"7f00-7f10 rw-s 0 " + b"f" * 100 + b":01 1 x\n",
        b"7f00-7f10 rw-s " * 100_000,
    ],
    ids=["letters", "blanks", "inode", "device", "lines"],
)
def test_mappings_made_to_be_slow_or_too_large_are_read_in_no_time(text: bytes) -> None:
    begun = time.process_time()
    maps.parse_shared(text)
    assert time.process_time() - begun < 3
