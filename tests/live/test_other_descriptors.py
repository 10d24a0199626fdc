"""What descriptors are about that are no channel: the words of `ps` against real objects of the kernel."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ipcinspect.model.process import Descriptor
from ipcinspect.model.signal_words import signal_names
from tests.live.conftest import Start
from tests.live.subjects import look
from tests.live.test_without_privilege import NOBODY, looks, nobody

__all__ = ["nobody"]  # a fixture


def descriptors(pid: int) -> Mapping[int, Descriptor]:
    """Of a process, by number."""
    return {descriptor.fd: descriptor for descriptor in look().descriptors[pid]}


def test_what_an_epoll_watches_is_told_by_file_and_not_by_number(start: Start) -> None:
    """The number 9 was added for a pipe, closed, and is a device now: only a duplicate keeps the pipe watched."""
    subject = start(
        """
r, w = os.pipe(); ep = select.epoll()
added = os.dup(r); ep.register(added, select.EPOLLIN); os.close(added)
reused = os.open("/dev/null", os.O_RDONLY); assert reused == added
say(os.getpid(), ep.fileno(), added, r, ino(r)); stay()
"""
    )
    pid, epoll, added, kept, number = subject.said
    seen = descriptors(pid)
    assert seen[added].kind == "device"
    assert (seen[epoll].kind, seen[epoll].points_to) == (
        "epoll",
        f"watches 1: {kept} pipe:[{number}] (added as {added}) in",
    )


def test_a_pipe_that_only_others_still_hold_is_told_as_closed_here(start: Start) -> None:
    subject = start(
        """
r, w = os.pipe(); ep = select.epoll(); ep.register(r, select.EPOLLIN)
child = os.fork()
if child == 0: stay(); os._exit(0)
number = ino(r); os.close(r); os.close(w)
say(os.getpid(), ep.fileno(), number); stay()
"""
    )
    pid, epoll, number = subject.said
    assert descriptors(pid)[epoll].points_to == f"watches 1: pipe:[{number}], closed here (added as 3) in".replace(
        "added as 3", f"added as {_added(pid, epoll)}"
    )


def _added(pid: int, epoll: int) -> int:
    text = Path(f"/proc/{pid}/fdinfo/{epoll}").read_text()
    return int(text.split("tfd:")[1].split()[0])


def test_anonymous_files_that_share_an_inode_are_told_apart_by_comparing(start: Start) -> None:
    """Also an epoll in an epoll, and one of which the number was closed and given to another anonymous file."""
    subject = start(
        """
inner, outer = select.epoll(), select.epoll()
counter = checked(LIBC.eventfd(0, 0)); kept = os.dup(counter); timer = checked(LIBC.timerfd_create(1, 0))
for fd in (inner.fileno(), timer, counter): outer.register(fd, select.EPOLLIN | select.EPOLLET)
os.close(counter); assert checked(LIBC.timerfd_create(1, 0)) == counter
say(os.getpid(), inner.fileno(), outer.fileno(), timer, kept, counter); stay()
"""
    )
    pid, inner, outer, timer, kept, counter = subject.said
    seen = descriptors(pid)
    assert seen[inner].points_to == "watches nothing"
    told = seen[outer].points_to or ""
    assert told.startswith("watches 3: ")
    assert set(told.removeprefix("watches 3: ").split(", ")) == {
        f"{inner} epoll in edge",
        f"{timer} timerfd in edge",
        f"{kept} eventfd (added as {counter}) in edge",
    }


def test_an_anonymous_file_that_nothing_here_is_any_more_is_not_guessed(start: Start) -> None:
    subject = start(
        """
ep = select.epoll(); counter = checked(LIBC.eventfd(0, 0)); ep.register(counter, select.EPOLLIN)
child = os.fork()
if child == 0: stay(); os._exit(0)
os.close(counter); assert checked(LIBC.eventfd(0, 0)) == counter
say(os.getpid(), ep.fileno(), counter); stay()
"""
    )
    pid, epoll, counter = subject.said
    assert descriptors(pid)[epoll].points_to == f"watches 1: something that was its descriptor {counter} in"


def test_an_epoll_that_watches_very_many_tells_the_first_and_counts_the_rest(start: Start) -> None:
    subject = start(
        """
ep = select.epoll()
for _ in range(50):
    r, w = os.pipe(); ep.register(r, select.EPOLLIN)
say(os.getpid(), ep.fileno()); stay()
"""
    )
    pid, epoll = subject.said
    told = descriptors(pid)[epoll].points_to or ""
    assert told.startswith("watches 50: ")
    assert told.endswith(", and 34 more")
    assert told.count("pipe:[") == 16


def test_a_one_shot_that_has_fired_waits_for_nothing(start: Start) -> None:
    subject = start(
        """
r, w = os.pipe(); ep = select.epoll(); ep.register(r, select.EPOLLIN | select.EPOLLONESHOT)
os.write(w, b"x"); ep.poll(1); say(os.getpid(), ep.fileno()); stay()
"""
    )
    pid, epoll = subject.said
    assert (descriptors(pid)[epoll].points_to or "").endswith("(waits for nothing)")


def test_a_pidfd_names_its_process_and_says_when_it_has_ended(start: Start) -> None:
    subject = start(
        """
living, ended = os.fork(), 0
if living == 0: stay(); os._exit(0)
ended = os.fork()
if ended == 0: os._exit(0)
fds = [os.pidfd_open(living), os.pidfd_open(ended)]; os.waitpid(ended, 0)
say(os.getpid(), living, *fds); stay()
"""
    )
    pid, living, first, second = subject.said
    seen = descriptors(pid)
    comm = Path(f"/proc/{living}/comm").read_text().strip()
    assert (seen[first].kind, seen[first].points_to) == ("pidfd", f"{comm} {living}")
    assert seen[second].points_to == "a process that has ended"


def test_timers_signals_and_watches_tell_what_they_are_set_to(start: Start, directory: Path) -> None:
    subject = start(
        """
timer = checked(LIBC.timerfd_create(1, 0)); unset = checked(LIBC.timerfd_create(0, 0))
checked(LIBC.timerfd_settime(timer, 0, struct.pack("qqqq", 600, 0, 3600, 0), None))
mask = ctypes.create_string_buffer(128)
for number in (15, 37): LIBC.sigaddset(mask, number)
signals = checked(LIBC.signalfd(-1, mask, 0))
watch = checked(LIBC.inotify_init()); checked(LIBC.inotify_add_watch(watch, ARGS[0].encode(), 2))
say(os.getpid(), timer, unset, signals, watch); stay()
""",
        str(directory),
    )
    pid, timer, unset, signals, watch = subject.said
    seen = descriptors(pid)
    assert [seen[fd].kind for fd in (timer, unset, signals, watch)] == ["timerfd", "timerfd", "signalfd", "inotify"]
    assert seen[timer].points_to == "monotonic, expires in 3.6e+03 s, every 600 s"
    assert seen[unset].points_to == "real time, not set"
    assert seen[signals].points_to == "takes SIGTERM SIGRTMIN+3"
    assert seen[watch].points_to == "1 watch"


def test_files_directories_devices_and_namespaces_have_plain_words(start: Start, directory: Path) -> None:
    subject = start(
        """
gone = os.open(ARGS[0] + "/gone", os.O_RDWR | os.O_CREAT); os.write(gone, b"x" * 5000); os.unlink(ARGS[0] + "/gone")
fds = [gone, os.open(ARGS[0], os.O_RDONLY), os.open("/dev/null", os.O_RDONLY), os.open("/proc/self/ns/net", 0)]
say(os.getpid(), *fds); stay()
""",
        str(directory),
    )
    pid, gone, place, null, namespace = subject.said
    seen = descriptors(pid)
    assert [seen[fd].kind for fd in (gone, place, null, namespace)] == ["file", "directory", "device", "namespace"]
    assert seen[gone].points_to == "deleted, 5000 bytes"
    assert (seen[namespace].points_to or "").startswith("network namespace of ")


def test_signals_that_wait_are_blocked_caught_and_ignored_are_known(start: Start) -> None:
    subject = start(
        """
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1, 37]); os.kill(os.getpid(), 37)
signal.signal(signal.SIGUSR2, lambda *args: None); signal.signal(signal.SIGHUP, signal.SIG_IGN)
say(os.getpid()); stay()
"""
    )
    signals = look().processes[subject.said[0]].signals
    assert signals is not None
    assert signal_names(signals.pending) == ("SIGRTMIN+3",)
    assert signal_names(signals.blocked) == ("SIGUSR1", "SIGRTMIN+3")
    assert "SIGUSR2" in signal_names(signals.caught)
    assert "SIGHUP" in signal_names(signals.ignored)


LOOKS_AT = """
import json
from ipcinspect.model.snapshot import Want
from ipcinspect.sources.live import LiveSource
seen = LiveSource().take(Want(descriptors=True))
print(json.dumps({str(pid): [[row.fd, row.points_to] for row in rows] for pid, rows in seen.descriptors.items()}))
"""


def test_an_ordinary_user_sees_his_own_and_nothing_is_made_up_about_others(nobody: None, start: Start) -> None:
    code = """
ep = select.epoll(); counter = checked(LIBC.eventfd(0, 0)); ep.register(counter, select.EPOLLIN)
say(os.getpid(), ep.fileno(), counter); stay()
"""
    own, foreign = start(code, command=NOBODY), start(code)
    found = looks(NOBODY, LOOKS_AT)
    pid, epoll, counter = own.said
    assert dict(found[str(pid)])[epoll] == f"watches 1: {counter} eventfd in"
    assert found[str(foreign.said[0])] == []
