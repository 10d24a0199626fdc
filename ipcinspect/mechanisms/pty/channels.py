"""Pseudo-terminals as channels: ends, what waits in both directions, state."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ipcinspect.kernel.libc import FileFacts
from ipcinspect.kernel.terminal import COUNTED, TerminalLook, TerminalQuestion
from ipcinspect.mechanisms.pty.fields import NAME
from ipcinspect.mechanisms.pty.terminals import Place, Terminals, number_of
from ipcinspect.mechanisms.scan import OtherHolder, Scan
from ipcinspect.model.channel import Channel, Endpoint, Exposure, FieldValue, Namespaces, Queue, reach_of_mode
from ipcinspect.model.channel_key import ChannelKey

_ASKED_HOLDERS = 3
"""Holders of one side that are asked until one answers."""
_COPIES_UNLOCKED = (5, 12)
"""Since this kernel nobody copies to a process's memory while he holds the lock that FIONREAD needs."""
_DELETED = " (deleted)"


class _Looks(NamedTuple):
    """What each side told; None where nobody of it can be asked."""

    master: TerminalLook | None
    slave: TerminalLook | None


def channels(scan: Scan, terminals: Terminals) -> list[Channel]:
    """The living ones, then those whose master is closed."""
    living = {*terminals.masters, *terminals.slaves}
    found = [
        _living(scan, place, terminals.masters.get(place, ()), terminals.slaves.get(place, ()))
        for place in sorted(living)
    ]
    for place, slaves in sorted(terminals.hung_up.items()):
        found.append(_hung_up(place, slaves, number_is_taken=place in living))
    return found


def _living(scan: Scan, place: Place, masters: Sequence[OtherHolder], slaves: Sequence[OtherHolder]) -> Channel:
    looks = _Looks(_ask(scan, masters), _ask(scan, slaves))
    ends = [*_ends("a", "master", masters), *_ends("b", "slave", slaves)]
    if not masters:
        ends.insert(0, Endpoint("a", "master", None, None, None))  # a slave without one would be hung up
    name = _name(place, slaves)
    queues = (_queue("a", looks.master, looks.slave), _queue("b", looks.slave, looks.master))
    state = _state(looks, bool(slaves))
    return _channel(place, 0, name, state, queues, ends, _facts(scan, place, masters, slaves, looks), _file(slaves))


def _hung_up(place: Place, slaves: Sequence[OtherHolder], number_is_taken: bool) -> Channel:
    """Where the look saw a living terminal of that number as well, this is one that ended or began meanwhile."""
    name = None if number_is_taken else _name(place, slaves)
    ends = list(_ends("b", "slave", slaves))
    facts: tuple[FieldValue, ...] = (_device(place.device), 0, len(slaves), *([None] * 7))
    return _channel(place, int(number_is_taken), name, "half-closed", (), ends, facts, _file(slaves))


def _channel(
    place: Place,
    part: int,
    name: str | None,
    state: str,
    queues: tuple[Queue, ...],
    ends: list[Endpoint],
    facts: tuple[FieldValue, ...],
    file: FileFacts | None,
) -> Channel:
    owner, mode = (None, None) if file is None else (file.uid, file.mode & 0o777)
    return Channel(
        key=ChannelKey(NAME, place.device, place.number, part),
        id=f"{NAME}:[{_device(place.device)}:{place.number}{':hung-up' if part else ''}]",
        aliases=(),
        mechanism=NAME,
        name=name,
        state=state,
        relation="data exchange",
        queues=queues,
        capacity_bytes=None,
        namespaces=Namespaces(),
        created_at=None,
        endpoints=tuple(ends),
        fields=(*facts, owner, mode),
        exposure=Exposure("unknown" if mode is None else reach_of_mode(mode), owner, mode),
    )


def _device(number: int) -> str:
    return f"{os.major(number)}:{os.minor(number)}"


def _ends(side: str, role: str, holders: Sequence[OtherHolder]) -> Iterator[Endpoint]:
    for holder in holders:
        yield Endpoint(side, role, holder.process, holder.end.fd, None)


def _name(place: Place, slaves: Sequence[OtherHolder]) -> str:
    """By the text of a slave's link, else where devpts is usually mounted."""
    for target in (holder.end.target for holder in slaves):
        name = target[: -len(_DELETED)] if target.endswith(_DELETED) else target
        if name.rpartition("/")[2] == str(place.number):
            return name
    return f"/dev/pts/{place.number}"


def _file(slaves: Sequence[OtherHolder]) -> FileFacts | None:
    """The file in devpts; /dev/tty has another one."""
    files = (holder.end.file for holder in slaves)
    return next((file for file in files if file is not None and number_of(file.rdev) is not None), None)


def _ask(scan: Scan, holders: Sequence[OtherHolder]) -> TerminalLook | None:
    if scan.surroundings.kernel < _COPIES_UNLOCKED and scan.loans.is_locked(holders):
        return None
    for holder in holders[:_ASKED_HOLDERS]:
        question = TerminalQuestion()
        if scan.loans.ask(holder.process, holder.end, question) is not None and question.look is not None:
            return question.look
    return None


def _queue(to: str, reader: TerminalLook | None, writer: TerminalLook | None) -> Queue:
    """What the reader could read now; unknown where more may wait behind it than the kernel counts."""
    readable = None if reader is None else reader.readable
    blocked = writer is not None and not writer.writable
    return Queue(to, None if readable is None or readable > COUNTED or (blocked and readable) else readable)


def _state(looks: _Looks, has_slave: bool) -> str:
    """By what poll(2) said, which knows of hidden holders too."""
    known = [look for look in looks if look is not None]
    if looks.master is not None and looks.master.hung_up and not has_slave:
        return "half-closed"
    if any(not look.writable for look in known):
        return "full"
    if any(look.readable for look in known):
        return "holding"
    return "idle" if len(known) == len(looks) and all(look.readable == 0 for look in known) else "unknown"


def _facts(
    scan: Scan, place: Place, masters: Sequence[OtherHolder], slaves: Sequence[OtherHolder], looks: _Looks
) -> tuple[FieldValue, ...]:
    """The fields but for owner and mode."""
    told = looks.master or looks.slave
    foreground = told.foreground if told is not None else None
    session = told.session if told is not None else None
    foreground = foreground or _foreground(scan, place, slaves)
    return (
        _device(place.device),
        len(masters),
        len(slaves),
        foreground,
        _name_of(scan, foreground),
        session,
        _name_of(scan, session),
        None if told is None else told.line_mode,
        None if told is None else told.echo,
        None if told is None else told.timed_reads,
    )


def _foreground(scan: Scan, place: Place, slaves: Sequence[OtherHolder]) -> int | None:
    """As /proc/PID/stat of a holder tells whose own terminal has this number."""
    pids = {holder.process.pid for holder in slaves}
    for facts in scan.facts:
        if facts.pid in pids and facts.tpgid > 0 and number_of(facts.tty_nr & 0xFFFFFFFF) == place.number:
            return facts.tpgid
    return None


def _name_of(scan: Scan, pid: int | None) -> str | None:
    process = None if pid is None else scan.processes.get(pid)
    return None if process is None else process.comm
