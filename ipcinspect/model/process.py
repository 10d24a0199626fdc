"""Processes. A bare pid is never an identity: pids are reused, a start time is not."""

from __future__ import annotations

from typing import NamedTuple

from ipcinspect.model.channel_key import ChannelKey


class ProcessKey(NamedTuple):
    """One process of this boot: its pid and its start time in clock ticks since boot (field 22 of proc_pid_stat(5))."""

    pid: int
    starttime: int


class Signals(NamedTuple):
    """Sets of signals as bit masks: bit N-1 is signal N (signal(7), proc_pid_status(5))."""

    pending: int
    """Sent to the process or its first thread and not delivered yet (SigPnd, ShdPnd)."""
    blocked: int
    ignored: int
    caught: int
    """With a handler of the program."""


class Process(NamedTuple):
    """One process as the scan saw it. Strings are kernel text: exact, and hostile until made visible."""

    pid: int
    starttime: int
    """Clock ticks since boot (proc_pid_stat(5), field 22)."""
    comm: str
    ppid: int | None
    uid: int | None
    """Effective user id; None where it could not be read."""
    container: str | None
    """What the cgroup says it runs in (`docker:1f2e...`, a systemd unit's scope), None for the host itself."""
    cmdline: tuple[str, ...] | None
    """Arguments, at most the first 4 KiB of them; None where they were not asked for or not readable."""
    kernel_thread: bool
    readable: bool
    """Whether its descriptors could be listed and its links read; a False here means that holders may be hidden."""
    net_namespace: int | None
    """Inode of its network namespace; None where the link could not be read."""
    ipc_namespace: int | None
    mount_namespace: int | None = None
    signals: Signals | None = None
    """None where they were not asked for or not readable."""
    job: int | None = None
    """Its process group: what a shell started together, with all that these have started (setpgid(2))."""

    @property
    def key(self) -> ProcessKey:
        """The identity of this process."""
        return ProcessKey(self.pid, self.starttime)


class Descriptor(NamedTuple):
    """One open file descriptor of a process and what it points to."""

    fd: int
    kind: str
    """A mechanism's name, or `file`, `directory`, `device`, `anon_inode`, `namespace`, ... for all else."""
    target: str
    """The text of the link (`pipe:[123]`, `/etc/passwd`, `anon_inode:[eventpoll]`): kernel text."""
    channel: ChannelKey | None = None
    """The channel that it is an end of; None where the thing is no channel."""
    points_to: str | None = None
    """What the thing behind it is about, in a few words: what an epoll watches, whom a pidfd means. Kernel text."""
