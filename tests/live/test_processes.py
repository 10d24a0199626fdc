"""Processes that are hard to read: zombies, odd names, storms, numbers that mean somebody else by now."""

from __future__ import annotations

import os
import time

import pytest

from tests.live.conftest import Start
from tests.live.subjects import channel_at, ends, inode, kernel_state, look, until

ZOMBIE_LEADER = """
r, w = os.pipe()
def live():
    while open(f"/proc/{os.getpid()}/stat").read().rpartition(")")[2].split()[0] != "Z": pass
    say(r, w, ino(r))
    stay()
    os._exit(0)
threading.Thread(target=live).start()
LIBC.syscall(60 if os.uname().machine == "x86_64" else 93, 0)
"""
NAMES = [") R 1 (", "a\nb", "\x1b[31m", "(((", "x" * 15, "naïve", " "]


def test_a_process_whose_first_thread_ended_still_shows_what_it_holds(start: Start) -> None:
    subject = start(ZOMBIE_LEADER)
    r, w, number = subject.said
    assert kernel_state(subject.pid) == "Z"
    channel = channel_at(look(), "pipe", number)
    assert ends(channel) == {(subject.pid, r), (subject.pid, w)}
    assert channel.state in ("idle", "unknown"), "its descriptors cannot be borrowed"


@pytest.mark.parametrize("name", NAMES, ids=repr)
def test_a_name_can_hold_anything_and_is_kept(start: Start, name: str) -> None:
    subject = start("r, w = os.pipe(); LIBC.prctl(15, ARGS[0].encode(), 0, 0, 0); say(ino(r)); stay()", name)
    seen = look()
    process = seen.processes[subject.pid]
    assert process.comm == os.fsdecode(name.encode()[:15])
    assert (process.ppid, process.uid) == (os.getpid(), os.geteuid())
    assert len(ends(channel_at(seen, "pipe", subject.said[0]))) == 2


def test_arguments_overwritten_with_nonsense_are_kept(start: Start) -> None:
    subject = start("say(); stay()", "\udcff\x1b]0;title\x07", "", "last")
    assert look(cmdlines=True).processes[subject.pid].cmdline == tuple(_arguments(subject.pid))


def _arguments(pid: int) -> list[str]:
    with open(f"/proc/{pid}/cmdline", "rb") as file:
        return [os.fsdecode(part) for part in file.read(4096).rstrip(b"\0").split(b"\0")]


def test_a_directory_too_deep_to_be_told_hides_nothing_of_its_process(start: Start, directory) -> None:
    subject = start(
        """
os.chdir(ARGS[0])
for _ in range(30):
    os.mkdir("d" * 200); os.chdir("d" * 200)
deep = os.open(".", os.O_RDONLY)
mapped_file = os.open("mapped", os.O_RDWR | os.O_CREAT); os.ftruncate(mapped_file, 4096)
mapped = mmap.mmap(mapped_file, 4096)
os.mkfifo("fifo"); fifo = os.open("fifo", os.O_RDWR)
r, w = os.pipe()
say(ino(r), ino(fifo), deep, fifo)
stay()
""",
        str(directory),
    )
    pipe, fifo, deep, fifo_fd = subject.said
    seen = look()
    assert len(ends(channel_at(seen, "pipe", pipe))) == 2
    assert ends(channel_at(seen, "fifo", fifo)) == {(subject.pid, fifo_fd)}
    rows = {row.fd: row for row in seen.descriptors[subject.pid]}
    assert (rows[deep].kind, rows[fifo_fd].kind) == ("directory", "fifo")


FORK_STORM = """
LIBC.prctl(15, b"storm", 0, 0, 0)
say()
poll = select.poll(); poll.register(0, select.POLLHUP | select.POLLIN)
while not poll.poll(0):
    r, w = os.pipe()
    one, other = socket.socketpair()
    children = []
    for number in range(8):
        child = os.fork()
        if not child:
            LIBC.prctl(15, b"child %d" % os.getpid(), 0, 0, 0)
            extra = os.pipe()
            os._exit(0)
        children.append(child)
    for child in children: os.waitpid(child, 0)
    os.close(r); os.close(w); one.close(); other.close()
"""


def test_a_storm_of_forks_never_makes_a_look_fail_or_lie(start: Start) -> None:
    storms = [start(FORK_STORM) for _ in range(2)]
    r, w = os.pipe()
    with open(f"/proc/{os.getpid()}/comm") as file:
        own_name = file.read().rstrip("\n")
    seen_children = 0
    try:
        for _ in range(50):
            snapshot = look(cmdlines=True)
            assert not [gap for gap in snapshot.gaps if "fault" in gap.what], snapshot.gaps
            for pid, process in snapshot.processes.items():
                if process.comm.startswith("child "):
                    seen_children += 1
                    assert process.comm == f"child {pid}"
            assert snapshot.processes[os.getpid()].comm == own_name
            assert all(snapshot.processes[storm.pid].comm == "storm" for storm in storms)
            channel = channel_at(snapshot, "pipe", inode(r))
            assert (channel.state, ends(channel)) == ("idle", {(os.getpid(), r), (os.getpid(), w)})
            keys = [channel.key for channel in snapshot.channels]
            assert len(set(keys)) == len(keys)
    finally:
        os.close(r), os.close(w)
    print(f"{seen_children} children seen, each by its own name")


def test_a_pid_that_was_taken_again_is_another_process(start: Start) -> None:
    """The next pid is chosen in a pid namespace of its own: the dead one's number comes back at once."""
    if os.geteuid() != 0:
        pytest.skip("needs root: sudo")
    subject = start(
        """
def child():
    pid = os.fork()
    if not pid:
        LIBC.prctl(15, b"born", 0, 0, 0)
        signal.pause()
    return pid
def starttime(pid):
    return int(open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()[19])
first = child(); began = starttime(first); say(first, began)
order()
os.kill(first, 9); os.waitpid(first, 0)
while time.clock_gettime(time.CLOCK_BOOTTIME) * os.sysconf("SC_CLK_TCK") < began + 2: pass
with open("/proc/sys/kernel/ns_last_pid", "w") as last: last.write(str(first - 1))
second = child(); say(second, starttime(second))
stay()
os.kill(second, 9)
""",
        command=["unshare", "--pid", "--fork", "--mount-proc"],
    )
    first, began = subject.said
    before = _inner(first, began)
    second, began_again = subject.ask()
    assert second == first, "the premise: the same number"
    after = _inner(second, began_again)
    assert before.pid != after.pid or before.key != after.key
    assert _gone(before.key)


def _inner(number: int, starttime: int):
    """The process with that number in an inner namespace, found by its start time."""

    def find():
        for process in look().processes.values():
            if process.starttime == starttime and process.comm == "born":
                return process
        return None

    return until(find, f"the process {number} of the inner namespace", 5)


def _gone(key) -> bool:
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        process = look().processes.get(key.pid)
        if process is None or process.key != key:
            return True
    return False
