"""Threads that sleep in the middle of a call, where no waiting is meant to be.

A thread that copies between a pipe and its own memory holds the pipe's lock; where that memory is a page of a file on a
dead server, it holds the lock for good. FIONREAD and F_GETPIPE_SZ wait for the same lock (fs/pipe.c), so such a pipe
must not be asked. A writer that waits for room in the pipe sleeps elsewhere, without the lock. Sockets have such locks
too: of the reader (`iolock` in net/unix/af_unix.c), and of whoever sends or receives (lock_sock of TCP).
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable

from ipcinspect.kernel import call_numbers, procfs

_LARGEST_32_BIT = 1 << 32
_ONE_DESCRIPTOR = frozenset(
    (
        "read", "write", "readv", "writev", "vmsplice", "preadv2", "pwritev2",
        "sendto", "recvfrom", "sendmsg", "recvmsg", "recvmmsg", "sendmmsg",
    )
)  # fmt: skip
"""Calls that copy through the descriptor which is their first argument."""
_TWO_DESCRIPTORS = frozenset(("sendfile", "splice", "tee"))
"""Calls that copy through descriptors among their first three arguments."""
_ORDINARY = frozenset(
    name.encode()
    for name in (
        "0", "", "pipe_read", "pipe_write", "anon_pipe_read", "anon_pipe_write", "fifo_pipe_read", "fifo_pipe_write",
        "pipe_wait", "pipe_wait_readable", "pipe_wait_writable", "wait_for_partner", "do_sys_poll",
        "poll_schedule_timeout", "poll_schedule_timeout.constprop.0", "do_select", "ep_poll", "do_epoll_wait",
        "futex_wait_queue", "futex_wait_queue_me", "__futex_wait", "futex_do_wait",
        "hrtimer_nanosleep", "do_wait", "sigsuspend", "do_sigtimedwait",
        "unix_stream_read_generic", "unix_stream_data_wait", "__skb_wait_for_more_packets", "inet_csk_accept",
        "sk_wait_data", "wait_woken", "n_tty_read", "do_signal_stop", "ptrace_stop", "kernel_clone", "__do_sys_pause",
        "__x64_sys_pause", "__arm64_sys_pause", "do_semtimedop", "__do_semtimedop", "do_msgrcv", "do_msgsnd",
        "io_cqring_wait", "sock_alloc_send_pskb", "unix_wait_for_peer", "inotify_read", "eventfd_read",
    )
)  # fmt: skip
"""What /proc/PID/wchan says of threads that wait for somebody to act; all of these hold no pipe's lock."""


def odd_sleepers(root: str, pid: int, alone: bool) -> list[int]:
    """The threads of a process that sleep, but in none of the ordinary ways; none where it is gone.

    `alone`: it had one thread when it was read, which spares the list of its threads.
    """
    if alone:
        return [] if _wchan(f"{root}/{pid}") in _ORDINARY else [pid]
    try:
        names = os.listdir(f"{root}/{pid}/task")
    except OSError:
        return []
    return [int(name) for name in names if _wchan(f"{root}/{pid}/task/{name}") not in _ORDINARY]


def may_work_on(root: str, pid: int, thread: int, fd: int) -> bool:
    """Whether a thread sleeps in a call that was given this descriptor (proc_pid_syscall(5)).

    Yes also where the call cannot be told. A thread that sleeps outside any call works on no descriptor.
    """
    try:
        process = procfs.open_process(root, pid)
    except OSError:
        return False
    try:
        return is_given(procfs.read_file(process, f"task/{thread}/syscall"), fd, os.uname().machine)
    except (FileNotFoundError, ProcessLookupError):
        return False
    except OSError:
        return True
    finally:
        os.close(process)


def is_given(syscall: bytes, fd: int, machine: str) -> bool:
    """Whether the text of /proc/PID/syscall is a call that copies through this descriptor.

    For a machine whose numbers are not known here, and for a 32-bit task, any call that has the number among its first
    arguments counts.
    """
    given = _given(syscall, machine)
    return given is None or fd in given


def _given(syscall: bytes, machine: str) -> Collection[int] | None:
    """The descriptors that such a call may have been given; None where it can be any."""
    fields = syscall.split()
    if not fields or fields[0] in (b"running", b"-1"):
        return ()
    try:
        number, *arguments = int(fields[0]), *(int(field, 16) for field in fields[1:])
    except ValueError:
        return None
    known = call_numbers.names(machine, False)
    if not known or len(arguments) < 8 or arguments[6] < _LARGEST_32_BIT:
        return arguments[:4]
    name = known.get(number)
    if name in _ONE_DESCRIPTOR:
        return arguments[:1]
    return arguments[:3] if name in _TWO_DESCRIPTORS else ()


def worked_on(root: str, pid: int, threads: Iterable[int]) -> dict[int | None, list[int]]:
    """By descriptor, which of these threads of a process may work on it; by None, those that may work on any."""
    found: dict[int | None, list[int]] = {}
    machine = os.uname().machine
    try:
        process = procfs.open_process(root, pid)
    except OSError:
        return found
    try:
        for thread in threads:
            try:
                given = _given(procfs.read_file(process, f"task/{thread}/syscall"), machine)
            except (FileNotFoundError, ProcessLookupError):
                continue
            except OSError:
                given = None
            for fd in (None,) if given is None else set(given):
                found.setdefault(fd, []).append(thread)
    finally:
        os.close(process)
    return found


def _wchan(task: str) -> bytes:
    try:
        fd = os.open(f"{task}/wchan", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        return os.read(fd, 256)
    except OSError:
        return b""
    finally:
        os.close(fd)
