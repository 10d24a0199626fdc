"""What a descriptor that is no channel is about, in a few words: whom a pidfd means, when a timer expires."""

from __future__ import annotations

from typing import Callable

from ipcinspect.kernel import anon_info
from ipcinspect.kernel.anon_info import number_in, parse_values
from ipcinspect.kernel.descriptors import OtherEnd
from ipcinspect.mechanisms.held.bpf_words import MAP_TYPES, PROGRAM_TYPES, type_name
from ipcinspect.mechanisms.held.kinds import NAMESPACES, kind_of
from ipcinspect.mechanisms.scan import Scan
from ipcinspect.model.process import Process
from ipcinspect.model.signal_words import signal_set

_CLOCKS = {0: "real time", 1: "monotonic", 7: "boot time", 8: "real-time alarm", 9: "boot-time alarm"}
"""clock_gettime(2)."""


class Pointing:
    """The words of one scan."""

    def __init__(self, scan: Scan) -> None:
        self._processes = scan.processes
        self._inhabitants: dict[tuple[str, int], list[Process]] = {}
        for process in scan.processes.values():
            if process.kernel_thread:
                continue
            for kind, number in (
                ("net", process.net_namespace),
                ("ipc", process.ipc_namespace),
                ("mnt", process.mount_namespace),
            ):
                if number is not None:
                    self._inhabitants.setdefault((kind, number), []).append(process)

    def words(self, end: OtherEnd) -> str | None:
        """A few words; None where there is nothing to say, or nothing could be read. May hold kernel text."""
        kind = kind_of(end)
        if end.file is not None and end.target.startswith("/"):
            return _deleted(end, kind)
        if kind == "namespace":
            return self._namespace(end.target)
        if end.info is None:
            return None
        if kind == "pidfd":
            return self._pidfd(end.info)
        tell = _WORDS.get(kind)
        return None if tell is None else tell(end.info)

    def _pidfd(self, info: bytes) -> str | None:
        pid = anon_info.parse_pid(info)
        if pid is None:
            return None
        if pid <= 0:
            return "a process that has ended" if pid < 0 else "a process that this /proc does not show"
        process = self._processes.get(pid)
        return f"process or thread {pid}" if process is None else f"{process.comm} {pid}"

    def _namespace(self, target: str) -> str | None:
        """Of the kinds that we ask every process about: who lives in it."""
        kind, _, number = target.partition(":[")
        word = f"{NAMESPACES.get(kind, kind)} namespace"
        if kind not in ("net", "ipc", "mnt") or not number[:-1].isdecimal():
            return word
        lives = self._inhabitants.get((kind, int(number[:-1])) if len(number) < 20 else ("", 0), [])
        if not lives:
            return f"{word} in which no visible process lives"
        first = min(lives, key=lambda process: (process.starttime, process.pid))
        more = f" and {len(lives) - 1} more" if len(lives) > 1 else ""
        return f"{word} of {first.comm} {first.pid}{more}"


def _deleted(end: OtherEnd, kind: str) -> str | None:
    if end.file is None or not end.file.is_deleted or kind not in ("file", "directory"):
        return None
    return f"deleted, {end.file.size} bytes" if kind == "file" else "deleted"


def _signalfd(info: bytes) -> str | None:
    mask = anon_info.parse_signal_set(info)
    return None if mask is None else f"takes {signal_set(mask)}" if mask else "takes no signal"


def _timerfd(info: bytes) -> str | None:
    timer = anon_info.parse_timer(info)
    if timer is None:
        return None
    parts = [_CLOCKS.get(timer.clock, f"clock {timer.clock}")]
    if timer.ticks:
        parts.append(f"expired {_counted(timer.ticks, 'time')}, not read")
    elif not timer.next_s:
        parts.append("not set")
    if timer.next_s:
        parts.append(f"expires in {timer.next_s:.3g} s")
    if timer.interval_s:
        parts.append(f"every {timer.interval_s:.3g} s")
    return ", ".join(parts)


def _io_uring(info: bytes) -> str | None:
    ring = anon_info.parse_ring(info)
    if ring is None:
        return None
    return (
        f"{ring.submissions} slots for requests, {ring.unsubmitted} of them not taken yet; "
        f"{ring.completions} slots for answers, {ring.unread} of them not read yet"
    )


def _bpf_map(info: bytes) -> str | None:
    values = parse_values(info)
    number, kind = number_in(values, "map_id"), number_in(values, "map_type")
    if kind is None:
        return None
    entries = number_in(values, "max_entries")
    name = type_name(MAP_TYPES, kind)
    return f"map {'?' if number is None else number}, {name}, {'?' if entries is None else entries} entries at most"


def _bpf_program(info: bytes) -> str | None:
    values = parse_values(info)
    number, kind = number_in(values, "prog_id"), number_in(values, "prog_type")
    if kind is None:
        return None
    return f"program {'?' if number is None else number}, {type_name(PROGRAM_TYPES, kind)}"


def _bpf_link(info: bytes) -> str | None:
    values = parse_values(info)
    number, program = number_in(values, "link_id"), number_in(values, "prog_id")
    return None if number is None else f"link {number} of program {'?' if program is None else program}"


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}es" if noun.endswith("ch") else f"{count} {noun}s"


def _userfaultfd(info: bytes) -> str | None:
    values = parse_values(info)
    pending, total = number_in(values, "pending"), number_in(values, "total")
    return None if pending is None or total is None else f"{total} faults wait, {pending} of them not read"


_WORDS: dict[str, Callable[[bytes], str | None]] = {
    "signalfd": _signalfd,
    "timerfd": _timerfd,
    "inotify": lambda info: _counted(anon_info.parse_inotify(info), "watch"),
    "fanotify": lambda info: _counted(anon_info.parse_fanotify(info), "mark"),
    "io-uring": _io_uring,
    "bpf-map": _bpf_map,
    "bpf-prog": _bpf_program,
    "bpf-link": _bpf_link,
    "userfaultfd": _userfaultfd,
}
