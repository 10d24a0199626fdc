"""A file server that answers no more (a stopped one, as a lost NFS server is) does not stop a look."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ipcinspect.demo.path_facts import facts_of
from ipcinspect.demo.process import DemoError
from ipcinspect.kernel.cached_path import CachedPaths
from ipcinspect.model.snapshot import Want
from ipcinspect.sources.live import LiveSource
from tests.live import file_server
from tests.live.conftest import Start
from tests.live.subjects import WITHIN_S, channel_at, ends, inode, look, until

ROOT = Path(__file__).resolve().parents[2]
DEADLINE_S = 10.0
"""A process may keep us for two seconds, on a busy machine longer; who waits for the server does not come back."""

OPENS_AND_MAPS = """
file = os.open(ARGS[0], os.O_RDWR)
mapped = mmap.mmap(file, 8192, mmap.MAP_SHARED)
r, w = os.pipe()
say(file, r, w, ino(r))
order()
"""

MAPS_IT_IN_A_DEV_SHM_OF_ITS_OWN = """
import ctypes, mmap, os
libc = ctypes.CDLL(None, use_errno=True)
private, bound, namespace = 0x44000, 4096, 0x20000
assert libc.unshare(namespace) == 0
assert libc.mount(None, b"/", None, private, None) == 0
assert libc.mount(os.fsencode(os.path.dirname(ARGS[0])), b"/dev/shm", None, bound, None) == 0
with open("/dev/shm/" + os.path.basename(ARGS[0]), "r+b") as opened:
    mapped = mmap.mmap(opened.fileno(), 4096, mmap.MAP_SHARED)
mapped[0]
say()
order()
"""


class Server:
    """The server, and the file that it serves."""

    def __init__(self, place: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(ROOT / "tests" / "live" / "file_server.py"), str(place)], stdout=subprocess.PIPE
        )
        assert self.process.stdout is not None
        self.up = self.process.stdout.readline() == b"ready\n"
        self.file = str(place / file_server.FILE)

    def stop(self) -> None:
        """From now on it does not answer."""
        os.kill(self.process.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        """It answers again."""
        os.kill(self.process.pid, signal.SIGCONT)


@pytest.fixture
def server(root: None, start: Start, directory: Path) -> Iterator[Server]:
    """A file server of ours, mounted; unmounted and gone after the test, before the subjects are ended.

    A process that is killed still flushes its files, and waits for a dead server with that.
    """
    if not os.path.exists("/dev/fuse"):
        pytest.skip("this kernel has no FUSE: modprobe fuse")
    serving = Server(directory)
    if not serving.up:
        serving.process.communicate()
        pytest.skip("no file system can be mounted here")
    yield serving
    serving.go_on()
    subprocess.run(["umount", "-l", str(directory)], check=True)
    serving.process.kill()
    serving.process.communicate()


def test_a_look_ends_in_time_with_everything_but_what_is_dead(server: Server, start: Start) -> None:
    subject = start(OPENS_AND_MAPS, server.file)
    file, r, w, number = subject.said
    server.stop()
    begun = time.monotonic()
    seen = look(cmdlines=True, sights=True)
    assert time.monotonic() - begun < DEADLINE_S
    rows = {row.fd: row for row in seen.descriptors[subject.pid]}
    assert (rows[file].kind, rows[file].target) == ("file", server.file)
    assert ends(channel_at(seen, "pipe", number)) == {(subject.pid, r), (subject.pid, w)}
    (shared,) = [channel for channel in seen.channels if channel.mechanism == "mmap" and channel.name == server.file]
    assert ends(shared) == {(subject.pid, None)}


def test_a_look_into_its_mapped_file_shows_what_is_in_memory_and_asks_no_server(server: Server, start: Start) -> None:
    touches = start(OPENS_AND_MAPS.replace("say(", "mapped[0]; say("), server.file)
    server.stop()
    source = LiveSource()
    seen = source.take(Want())
    (shared,) = [channel for channel in seen.channels if channel.mechanism == "mmap" and channel.name == server.file]
    assert ends(shared) == {(touches.pid, None)}
    begun = time.monotonic()
    contents = source.peek(shared.key, 65536)
    assert time.monotonic() - begun < DEADLINE_S
    assert contents is not None
    assert {bytes(set(piece.data)) for piece in contents.pieces} == {b"x"}


def test_a_file_of_the_server_that_is_called_shared_memory_is_not_opened(server: Server, start: Start) -> None:
    subject = start(MAPS_IT_IN_A_DEV_SHM_OF_ITS_OWN, server.file)
    server.stop()
    source = LiveSource()
    held = [c for c in source.take(Want()).channels if any(pid == subject.pid for pid, _ in ends(c))]
    (shared,) = [channel for channel in held if channel.mechanism == "posix-shm"]
    begun = time.monotonic()
    contents = source.peek(shared.key, 65536)
    assert time.monotonic() - begun < DEADLINE_S
    assert contents is not None
    assert {bytes(set(piece.data)) for piece in contents.pieces} == {b"x"}
    assert contents.by.startswith("process_vm_readv")


def test_who_sleeps_on_the_dead_server_is_seen_with_what_it_holds(server: Server, start: Start) -> None:
    """Asleep in read(2) of a page that nobody brings, and in a page fault of a thread."""
    subject = start(
        OPENS_AND_MAPS
        + """
threading.Thread(target=lambda: mapped[0], daemon=True).start()
os.pread(file, 4096, 0)
""",
        server.file,
    )
    server.stop()
    subject.tell()
    until(lambda: _asleep_below(subject.pid, "request_wait", "folio_wait"), "somebody to wait for the server")
    begun = time.monotonic()
    seen = look(cmdlines=True)
    assert time.monotonic() - begun < DEADLINE_S
    assert channel_at(seen, "pipe", subject.said[3]).state == "idle"


def _asleep_below(pid: int, *functions: str) -> bool:
    names = [(task / "wchan").read_text() for task in Path(f"/proc/{pid}/task").iterdir()]
    return any(function in name for name in names for function in functions)


def test_a_path_on_a_dead_server_is_not_waited_for(server: Server) -> None:
    known, unknown = os.fsencode(server.file), os.fsencode(os.path.dirname(server.file)) + b"/never asked for"
    os.stat(server.file)
    server.stop()
    begun = time.monotonic()
    asked = CachedPaths()
    for _ in range(100):
        asked.facts(known)
        assert asked.facts(unknown) is None
    assert time.monotonic() - begun < DEADLINE_S


LOOKS = """
import json, time
from ipcinspect.model.snapshot import Want
from ipcinspect.sources.live import LiveSource
begun = time.monotonic()
seen = LiveSource().take(Want(descriptors=True))
print(json.dumps([time.monotonic() - begun, [channel.id for channel in seen.channels]]))
"""


def test_a_pipe_whose_writer_hangs_in_the_middle_of_a_write_does_not_hang_us(server: Server, start: Start) -> None:
    """The writer copies from a mapped page that the dead server does not bring, and holds the lock of the pipe."""
    subject = start(OPENS_AND_MAPS + "os.write(w, memoryview(mapped)[:100]); say('written'); stay()", server.file)
    ours = os.pipe()
    server.stop()
    subject.tell()
    until(lambda: _asleep_below(subject.pid, "request_wait", "folio_wait"), "the writer to wait for the server")
    looking = subprocess.Popen([sys.executable, "-c", LOOKS], cwd=ROOT, stdout=subprocess.PIPE, pass_fds=ours)
    try:
        output, _ = looking.communicate(timeout=DEADLINE_S)
        assert f"pipe:[{inode(ours[0])}]".encode() in output
    finally:
        server.go_on()
        looking.kill()
        looking.communicate(timeout=WITHIN_S)
        for fd in ours:
            os.close(fd)


LOOKS_INTO = """
import json, sys, time
from tests.live.peeks import Looker
looker = Looker()
channels = looker.look().channels
found = [c for c in channels if any(end.inode == int(sys.argv[1]) for end in c.endpoints)]
begun = time.monotonic()
print(json.dumps([looker.peek(channel).refusal for channel in found] + [time.monotonic() - begun]))
"""


@pytest.mark.parametrize(
    "hangs",
    [
        "os.write(w, memoryview(mapped)[:100])",
        "one.send(b'x' * 100); other.recv_into(memoryview(mapped)[:100])",
        "client.sendall(b'x' * 100); server.recv_into(memoryview(mapped)[:100])",
        "client.sendall(b'x' * 100); server.sendall(memoryview(mapped)[:100])",
    ],
    ids=["pipe", "unix", "tcp receiver", "tcp sender"],
)
def test_nobody_is_looked_into_whose_lock_a_hanging_holder_keeps(server: Server, start: Start, hangs: str) -> None:
    """To look would wait for the same lock, with what was borrowed in hand."""
    code = """
file = os.open(ARGS[0], os.O_RDWR)
mapped = mmap.mmap(file, 8192, mmap.MAP_SHARED)
r, w = os.pipe()
one, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
with socket.create_server(("127.0.0.1", 0)) as listener:
    client = socket.create_connection(listener.getsockname()); server, _ = listener.accept()
say(ino(r), ino(other), ino(server)); order()
"""
    subject = start(code + hangs + "\nsay('over'); stay()", server.file)
    pipe, unix, tcp = subject.said
    server.stop()
    subject.tell()
    until(lambda: _asleep_below(subject.pid, "request_wait", "folio_wait"), "somebody to wait for the server")
    number = pipe if "write" in hangs else unix if "other" in hangs else tcp
    looking = subprocess.Popen([sys.executable, "-c", LOOKS_INTO, str(number)], cwd=ROOT, stdout=subprocess.PIPE)
    try:
        output, _ = looking.communicate(timeout=3 * DEADLINE_S)
        refusal, took = json.loads(output)
        assert "hangs" in refusal
        assert took < DEADLINE_S
    finally:
        server.go_on()
        looking.kill()
        looking.communicate(timeout=WITHIN_S)
    assert subject.hear() == ["over"], "and it goes on once the server answers"


def test_a_path_that_a_user_names_for_a_demo_is_given_up_in_time(server: Server) -> None:
    assert facts_of(server.file).uid == 0
    server.stop()
    begun = time.monotonic()
    with pytest.raises(DemoError, match=r"no answer within 0\.2 s"):
        facts_of(server.file + "2", 0.2)
    assert time.monotonic() - begun < DEADLINE_S
