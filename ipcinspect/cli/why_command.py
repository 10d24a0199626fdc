"""`ipcinspect why [PID]`: what a process waits for, on whom, to the root of it; without PID all that is stuck."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from ipcinspect.cli.check_command import tell
from ipcinspect.cli.complaints import DONE, FOUND, Unable, Usage
from ipcinspect.cli.finding_text import FindingText
from ipcinspect.cli.session import Session
from ipcinspect.diagnosis import wording
from ipcinspect.diagnosis.chains import Chain, Hop, chain
from ipcinspect.diagnosis.rules import Judged
from ipcinspect.diagnosis.waiting import finding_of_chain
from ipcinspect.export.findings_document import findings_document
from ipcinspect.model.snapshot import Want
from ipcinspect.model.wait import ThreadKey
from ipcinspect.selection.absence import explain_process

SUMMARY = "what a process waits for, on whom, and to what that leads"
EPILOG = """\
With PID: for each thread of it that sleeps in a call, what it waits for, who
could end that, what that one waits for, and so on down to the root, or round
in a circle. Without PID: everything that is stuck for good, the oldest first.

It reads /proc alone and traces nobody: strace -p and gdb -p can dissolve the
very deadlock that they look at.

Exit codes: 1 where something is stuck, 0 where nothing is.

examples:
  ipcinspect why
  ipcinspect why 2211
  ipcinspect why --json
"""

_SHOWN = 16
"""Different waits of one process that are told: it can have thousands of threads."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own arguments."""
    parser.add_argument("pid", nargs="?", type=int, metavar="PID", help="whose wait; all that is stuck without")


def run(session: Session) -> int:
    """One look. Raises Usage for a pid that is not there, Unable for a process that is hidden."""
    pid: int | None = session.arguments.pid
    observation = session.observe_settled(session.inspector(), Want(waits=True, only_waited=True, cmdlines=True))
    judged, snapshot = observation.judged, observation.snapshot
    if pid is None:
        found = sorted(
            (one for one in observation.findings if one.threads), key=lambda one: one.since or snapshot.taken_at
        )
        if session.options.json:
            session.write_document(findings_document(snapshot, found))
        elif found:
            tell(session, snapshot, found)
        else:
            waiting = len(judged.graph.waits)
            session.output.write(
                f"nothing is stuck: {waiting} threads sleep in calls, and none is known to wait in vain\n"
            )
        if not session.options.json:
            session.tell_gaps(snapshot)
        session.output.flush()
        return FOUND if found else DONE
    chains = _chains(judged, pid)
    if session.options.json:
        session.write_document(findings_document(snapshot, [finding_of_chain(judged, one) for one in chains]))
    else:
        text = FindingText(session.style(), session.width(), session.options.ascii)
        for number, one in enumerate(chains[:_SHOWN]):
            if number:
                session.output.write("\n")
            for line in _told(judged, one, text):
                session.output.write(line)
        more = len(chains) - _SHOWN
        if more > 0:
            session.output.write(f"\n{more} more {'wait' if more == 1 else 'waits'} of its threads: --json has all\n")
        session.tell_gaps(snapshot)
    session.output.flush()
    return FOUND if any(one.hops[0].thread in judged.firmly_stuck for one in chains) else DONE


def _chains(judged: Judged, pid: int) -> list[Chain]:
    """Of each thread that sleeps, those that lead to the same told once; of a process that runs, that it does."""
    process = judged.snapshot.processes.get(pid)
    sleepers = None if process is None else judged.snapshot.waits.get(process.key)
    if process is None or (not process.readable and not process.kernel_thread):
        absence = explain_process(pid, judged.snapshot)
        raise (Unable if absence.hidden else Usage)(absence.sentence)
    if sleepers is None or not sleepers.known:
        raise Unable(f"what the threads of process {pid} wait for is not told to this user")
    threads = [wait.thread for wait in sleepers.waits] or [ThreadKey(process.key, pid)]
    found = [chain(judged.graph, thread, judged.stuck) for thread in sorted(threads)]
    different = list({_likeness(one): one for one in found}.values())
    return sorted(different, key=lambda one: one.hops[0].thread not in judged.firmly_stuck)


def _likeness(one: Chain) -> tuple[object, ...]:
    """Equal for chains of which the second tells nothing new: a pool of threads that all wait for the same."""
    first = one.hops[0]
    return (first.awaited, first.wait.told if first.wait is not None and first.awaited is None else None, one.why)


def _told(judged: Judged, one: Chain, text: FindingText) -> Iterator[str]:
    for number, hop in enumerate(one.hops):
        yield from text.prose(_sentence(judged, hop, one, number), "  " * min(number, 8), "text")


def _sentence(judged: Judged, hop: Hop, one: Chain, number: int) -> str:
    who = wording.who(hop.thread, judged.snapshot)
    is_last = number == len(one.hops) - 1
    if hop.wait is None:
        return f"{who} {one.why}."
    lasted = wording.lasted(hop.wait.since, judged.snapshot.taken_at)
    does = f"{lasted.capitalize()} {who}" if lasted else who
    does += f" {wording.does(hop.wait, judged.graph)}"
    if hop.awaited is None or hop.helpers is None:
        return f"{does}; {one.why}." if one.why else f"{does}."
    told = f"{does}, {wording.until(hop.awaited, hop.helpers, judged.graph)}"
    if is_last and one.back_to is not None:
        return f"{told}: that closes the circle with {wording.who(one.hops[one.back_to].thread, judged.snapshot)}."
    return f"{told};" if not is_last else f"{told}."
