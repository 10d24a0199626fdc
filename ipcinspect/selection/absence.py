"""Why an address fits no channel: it is mistyped, or what it names cannot be seen from here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ipcinspect.model.process import Process
from ipcinspect.model.snapshot import Snapshot
from ipcinspect.model.text import visible
from ipcinspect.selection import nearest, shown
from ipcinspect.selection.addresses import parse_descriptor, parse_name

_LIKENESS = 0.6
"""An address less like what the user typed is no hint."""


class Absence(NamedTuple):
    """What to tell a user who asked for something that is not there."""

    sentence: str
    """One printable line."""
    hidden: bool
    """Whether it exists, or may well exist, and this observer cannot see it."""


def explain_channel(text: str, snapshot: Snapshot) -> Absence:
    """Why `find` gave nothing for this address."""
    descriptor = parse_descriptor(text)
    if descriptor is not None:
        return _explain_descriptor(*descriptor, snapshot)
    close = nearest(text, _addresses_like(text, snapshot), _LIKENESS)
    sentence = f"no channel '{shown(text)}'"
    if close is not None:
        sentence += f", nearest is '{shown(close)}'"
    hidden = snapshot.hidden_processes
    if hidden:
        sentence += f" ({hidden} {'process is' if hidden == 1 else 'processes are'} hidden)"
    return Absence(sentence, False)


def explain_process(pid: int, snapshot: Snapshot) -> Absence:
    """Why a process cannot be shown: there is none of that pid, or its descriptors are hidden."""
    process = snapshot.processes.get(pid)
    if process is not None:
        return Absence(f"the descriptors of {_name(process)} are hidden: {_why(process, snapshot)}", True)
    close = nearest(str(pid), (str(known) for known in snapshot.processes))
    return Absence(f"no process {pid}" + ("" if close is None else f", nearest is {close}"), False)


def _explain_descriptor(pid: int, fd: int, snapshot: Snapshot) -> Absence:
    process = snapshot.processes.get(pid)
    if process is None or not process.readable:
        return explain_process(pid, snapshot)
    held = sorted(
        end.fd
        for channel in snapshot.channels
        for end in channel.endpoints
        if end.fd is not None and end.process is not None and end.process.pid == pid
    )
    sentence = f"descriptor {fd} of {_name(process)} is not open or is no channel"
    if held:
        sentence += f", nearest is {pid}/{min(held, key=lambda known: abs(known - fd))}"
    return Absence(sentence, False)


def _addresses_like(text: str, snapshot: Snapshot) -> Iterator[str]:
    """Addresses of the form that the user chose: with a mechanism in front, or bare."""
    with_mechanism = parse_name(text).mechanism is not None or text.startswith("socket:")
    for channel in snapshot.channels:
        if with_mechanism or channel.name is None:
            yield channel.id
            yield from channel.aliases
        if channel.name is not None:
            yield f"{channel.mechanism}:{channel.name}" if with_mechanism else channel.name


def _name(process: Process) -> str:
    return f"{visible(process.comm)} {process.pid}"


def _why(process: Process, snapshot: Snapshot) -> str:
    if process.kernel_thread:
        return "a kernel thread has none"
    if snapshot.host.uid != 0:
        owner = snapshot.users.get(process.uid, str(process.uid)) if process.uid is not None else "another user"
        return f"it belongs to {visible(owner)}, run as root"
    return "the kernel refuses even root here"
