"""`ipcinspect demo --attach CHANNEL`: a sender, a receiver or both on a channel that is there, after asking."""

from __future__ import annotations

import argparse
import contextlib
import os
import stat

from ipcinspect.cli import question
from ipcinspect.cli.attach_text import AttachedText, announcement
from ipcinspect.cli.complaints import DONE, Unable, Usage, tell
from ipcinspect.cli.demo_text import write_walk
from ipcinspect.cli.one_channel import one_channel
from ipcinspect.cli.session import Session
from ipcinspect.demo import attaching
from ipcinspect.demo.attached_walk import AttachedWalk
from ipcinspect.demo.attaching import Attachment, Wish
from ipcinspect.demo.checking import PlanError
from ipcinspect.demo.ending import signals_end_in_order
from ipcinspect.demo.path_facts import facts_of
from ipcinspect.demo.plan import Plan
from ipcinspect.demo.process import DemoError
from ipcinspect.inspector import Inspector
from ipcinspect.mechanisms import fifo
from ipcinspect.mechanisms.demo_attach import ROLES
from ipcinspect.model.channel import Channel
from ipcinspect.model.channel_key import ChannelKey
from ipcinspect.model.snapshot import Snapshot, Want
from ipcinspect.selection import shown
from ipcinspect.selection.addresses import find, parse_descriptor, parse_name
from ipcinspect.selection.quantities import SIZE_UNITS, parse_amount

_WIDEST = 120
_OF_A_NEW_ONE = ("variant", "lock", "respond", "fault")
"""Options that say how a channel is made, or what shall go wrong in it."""
_OF_ATTACHING = ("as", "at", "within", "yes", "force")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of a demo on a channel that is there."""
    group = parser.add_argument_group("on a channel that is there already")
    group.add_argument("--attach", metavar="CHANNEL", help="put the demo on it, as `show` names it, or a FIFO's path")
    group.add_argument("--as", dest="role", choices=ROLES, help="what is put on it; without it the mechanism decides")
    group.add_argument("--at", type=_place, metavar="N", help="first byte of memory, or which semaphore of a set: 0")
    group.add_argument("--within", type=float, metavar="SECONDS", help="how long the other side is waited for: 5")
    group.add_argument("--yes", action="store_true", help="do not ask")
    group.add_argument("--force", action="store_true", help="also on a channel of another user")


def is_wanted(arguments: argparse.Namespace) -> bool:
    """Whether it is a demo on a channel that is there. Raises Usage for options that have a meaning only then."""
    if arguments.attach is not None:
        return True
    for word in _OF_ATTACHING:
        given = getattr(arguments, "role" if word == "as" else word)
        if given is not None and given is not False:
            raise Usage(f"--{word} has a meaning only with --attach CHANNEL")
    return False


def run(session: Session, plan: Plan) -> int:
    """Show, ask, walk. Raises Usage, Unable or ReaderGone."""
    arguments = session.arguments
    for word in _OF_A_NEW_ONE:
        if getattr(arguments, word, None) is not None:
            raise Usage(f"--{word} has no meaning with --attach: the channel is there already")
    inspector = session.inspector()
    snapshot = session.observe(inspector, Want()).snapshot
    attachment = _attachment(session, plan, snapshot)
    stranger = attaching.stranger_of(attachment.channel, snapshot)
    if stranger is not None and not arguments.force:
        raise Usage(f"{attachment.channel.id} belongs to {stranger}: --force puts a demo on it all the same")
    if not arguments.yes and not question.can_ask():
        raise Usage("there is no terminal to ask at: --yes goes on without asking")
    style, width = session.style(), min(session.width(), _WIDEST)
    for line in announcement(attachment, snapshot, style, width):
        tell(line)
    if not arguments.yes:
        if not question.agrees("Go on?"):
            tell("nothing was done\n")
            return DONE
        _check_unchanged(session, plan, inspector, attachment)
    tell("\n")
    text = None if session.options.json else AttachedText(attachment, style, width)
    with signals_end_in_order(), contextlib.closing(AttachedWalk(attachment, inspector)) as walk:
        write_walk(session, walk, text, snapshot)
    if walk.failure is not None:
        raise Unable(f"the walk could not go on: {walk.failure}")
    return DONE


def _attachment(session: Session, plan: Plan, snapshot: Snapshot) -> Attachment:
    arguments = session.arguments
    within_s = attaching.WITHIN_S if arguments.within is None else arguments.within
    wish = Wish(arguments.role, arguments.at or 0, within_s, os.getpid())
    try:
        channel = _channel(session, snapshot)
        if plan.mechanism not in (None, channel.mechanism):
            raise Usage(f"{channel.id} is {channel.mechanism}, not {shown(plan.mechanism)}")
        return attaching.attach(channel, snapshot, plan._replace(mechanism=channel.mechanism), wish)
    except PlanError as error:
        raise Usage(str(error)) from error
    except DemoError as error:
        raise Unable(str(error)) from error


def _channel(session: Session, snapshot: Snapshot) -> Channel:
    """The channel meant, also a FIFO that nobody is seen to have open: a path that the user gives may be asked about.

    Raises Usage, Unable, DemoError.
    """
    text, directory = session.arguments.attach, session.directory()
    if not find(text, snapshot, directory) and parse_descriptor(text) is None:
        named = parse_name(text)
        if named.mechanism in (None, fifo.NAME) and "/" in named.name:
            found = _at_path(_absolute(directory, named.name), snapshot)
            if found is not None:
                return found
    return one_channel(text, snapshot, directory)


def _absolute(directory: str, path: str) -> str:
    """The path as the kernel takes it from there; `..` stays, since it means another place behind a link."""
    whole = os.path.join(directory, path)
    return whole if ".." in whole.split("/") else os.path.normpath(whole)


def _at_path(path: str, snapshot: Snapshot) -> Channel | None:
    """The FIFO there; None where nothing is there. Raises Usage for another file, DemoError."""
    try:
        file = facts_of(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise DemoError(f"{path}: {error.strerror}") from error
    if not file.is_fifo:
        what = "a socket that nobody visible has bound" if stat.S_ISSOCK(file.mode) else "neither FIFO nor socket"
        raise Usage(f"{shown(path)} is {what}")
    opened = snapshot.channels_by_key.get(ChannelKey("fifo", file.device, file.inode))
    return fifo.unopened(path, file) if opened is None else opened._replace(name=path)


def _check_unchanged(session: Session, plan: Plan, inspector: Inspector, shown_before: Attachment) -> None:
    """The answer may have taken long: whether all is as it was shown. Raises Unable."""
    try:
        now = _attachment(session, plan, session.observe(inspector, Want()).snapshot)
    except Usage as error:
        raise Unable(f"nothing was done, it is not as it was shown any more: {error}") from error
    if _identity(now) != _identity(shown_before):
        raise Unable(f"nothing was done, {shown_before.channel.id} is not as it was shown any more")


def _identity(attachment: Attachment) -> tuple[object, ...]:
    return attachment.channel.key, attachment.channel.exposure, attachment.access


def _place(text: str) -> int:
    amount = parse_amount(text, SIZE_UNITS)
    if amount is None or amount.sign:
        raise argparse.ArgumentTypeError(f"not a number of a byte or semaphore: '{shown(text)}'")
    return amount.number * amount.unit
