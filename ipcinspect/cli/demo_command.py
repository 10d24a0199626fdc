"""`ipcinspect demo MECHANISM`: a real sender and a real receiver walk through the seven stages of a channel's life."""

from __future__ import annotations

import argparse
import contextlib

from ipcinspect.cli import demo_attach, demo_broken
from ipcinspect.cli.complaints import DONE, Unable, Usage
from ipcinspect.cli.demo_text import WalkText, write_walk
from ipcinspect.cli.session import Session
from ipcinspect.cli.sheets import Cell, Column, Sheet
from ipcinspect.demo.checking import PlanError, check
from ipcinspect.demo.ending import signals_end_in_order
from ipcinspect.demo.faults import faults_of
from ipcinspect.demo.plan import BYTE_ORDERS, FAULTS, FORMATS, Plan
from ipcinspect.demo.process import Hear
from ipcinspect.demo.runner import DemoPair
from ipcinspect.demo.walk import Walk
from ipcinspect.mechanisms import MECHANISMS
from ipcinspect.mechanisms.demo_part import LOCKS, NOTIFICATIONS, RESPONSES
from ipcinspect.mechanisms.room import Demo, Room
from ipcinspect.model.snapshot import Want
from ipcinspect.selection import shown, unknown
from ipcinspect.selection.quantities import SIZE_UNITS, parse_amount

SUMMARY = "a sender and a receiver walk through a channel's seven stages"
EPILOG = """\
Two processes of their own, over a real channel of the kernel: creation,
preparation, transmission, delivery, reception, response, termination. Each
says which calls it makes; beside them stands what the kernel shows then, seen
as `ipcinspect list` sees it. Without MECHANISM: what there is, and what each
can do. --json: a JSON document a line.

--fault: the same walk with something going wrong at its stage; it ends in
the error that the kernel really gives, or tells that it gives none.

--attach: the same on a channel that others use. What will be done to it is
shown first, on standard error, and asked; nothing of it is made or removed,
and whoever is at its other end is waited for no longer than --within says.

Nothing is left behind, however it ends: not by ctrl-C, not by SIGKILL.

Exit codes: 2 where a plan is not possible, before anything is made or done; 3
where the kernel refuses, or nobody takes or sends anything, with the reason.

examples:
  ipcinspect demo pipe
  ipcinspect demo unix --variant seqpacket --format struct --byte-order big
  ipcinspect demo posix-mq --notify mq_notify --messages 1
  ipcinspect demo tcp --nonblocking --json
  ipcinspect demo unix --fault receiver-killed
  ipcinspect demo --attach /run/app.fifo
  ipcinspect demo --attach sysv-msg:7 --as receiver --messages 1 --yes
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own arguments."""
    usual = Plan("")
    parser.add_argument("mechanism", nargs="?", metavar="MECHANISM", help="pipe, unix, tcp, sysv-msg, ...")
    parser.add_argument("--variant", metavar="WORD", help="which kind of it: `demo` alone lists them")
    parser.add_argument("--format", choices=FORMATS, default=usual.format, help="how values become bytes: json without")
    parser.add_argument("--byte-order", choices=BYTE_ORDERS, default=usual.byte_order, help="of --format struct")
    parser.add_argument("--size", type=_size, default=usual.size, metavar="N", help="bytes of one message: 64, 4K")
    parser.add_argument("--messages", type=int, default=usual.messages, metavar="N", help="how many are sent: 4")
    parser.add_argument("--rate", type=float, metavar="N", help="messages per second; at once without")
    parser.add_argument("--nonblocking", action="store_true", help="calls answer EAGAIN where they would sleep")
    parser.add_argument("--notify", choices=NOTIFICATIONS, help="how the receiver learns that there is something")
    parser.add_argument("--respond", choices=RESPONSES, help="through the same channel or a second one")
    parser.add_argument("--lock", choices=LOCKS, help="what guards shared memory")
    parser.add_argument("--fault", choices=FAULTS, help="what shall go wrong: `demo` alone lists who can have it")
    parser.add_argument("--reading-time", type=float, default=0.0, metavar="SECONDS", help="a slow receiver")
    demo_attach.add_arguments(parser)
    demo_broken.add_arguments(parser)


def run(session: Session) -> int:
    """Walk, a line at a time. Raises Usage, Unable or ReaderGone."""
    if session.arguments.broken is not None:
        return demo_broken.run(session)
    if demo_attach.is_wanted(session.arguments):
        return demo_attach.run(session, _plan(session.arguments))
    if session.arguments.mechanism is None:
        return _list(session)
    room = _room(session.arguments.mechanism)
    try:
        plan = check(_plan(session.arguments), room)
    except PlanError as error:
        raise Usage(str(error)) from error
    inspector = session.inspector()
    snapshot = session.observe(inspector, Want()).snapshot
    text = WalkText(plan, session.style(), min(session.width(), 120)) if not session.options.json else None

    def start(plan: Plan, hear: Hear) -> DemoPair:
        return DemoPair.start(room, plan, hear=hear)

    with signals_end_in_order(), contextlib.closing(Walk(start, plan, inspector)) as walk:
        write_walk(session, walk, text, snapshot)
    if walk.failure is not None:
        raise Unable(f"the walk could not go on: {walk.failure}")
    return DONE


def _plan(arguments: argparse.Namespace) -> Plan:
    return Plan(
        mechanism=arguments.mechanism,
        variant=arguments.variant,
        format=arguments.format,
        byte_order=arguments.byte_order,
        size=arguments.size,
        messages=arguments.messages,
        rate=arguments.rate,
        blocking=not arguments.nonblocking,
        notification=arguments.notify,
        response=arguments.respond,
        lock=arguments.lock,
        reading_s=arguments.reading_time,
        fault=arguments.fault,
    )


def _room(word: str) -> Room:
    """Raises WordError for what is no mechanism."""
    found = next((room for room in MECHANISMS if word == room.NAME), None)
    if found is None:
        raise unknown("mechanism", word, [room.NAME for room in MECHANISMS if room.DEMO is not None])
    return found


def _list(session: Session) -> int:
    """Every mechanism that has a demo, and what each can do."""
    titles = ("MECHANISM", "VARIANTS", "TOLD BY", "ANSWER", "NON-BLOCKING", "LOCKS", "FAULTS")
    rows = [
        [
            Cell(room.NAME, "strong"),
            Cell(" ".join(room.DEMO.variants)),
            Cell(" ".join(room.DEMO.notifications)),
            Cell(" ".join(room.DEMO.responses)),
            Cell("yes" if room.DEMO.nonblocking else "no"),
            Cell(" ".join(room.DEMO.locks) or "-"),
            Cell(" ".join(_faults(room.DEMO))),
        ]
        for room in MECHANISMS
        if room.DEMO is not None
    ]
    if session.options.json:
        raise Usage("demo what? --json tells of a walk: ipcinspect demo MECHANISM --json")
    session.write_sheets([Sheet(None, tuple(Column(title) for title in titles), rows, whole=True)], session.style())
    session.output.flush()
    return DONE


def _faults(demo: Demo) -> list[str]:
    """What at least one of its variants can have."""
    return [word for word in FAULTS if any(word in faults_of(variant, demo) for variant in demo.variants)]


def _size(text: str) -> int:
    amount = parse_amount(text, SIZE_UNITS)
    if amount is None or amount.sign:
        raise argparse.ArgumentTypeError(f"not a size: '{shown(text)}'")
    return amount.number * amount.unit
