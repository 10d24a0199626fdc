"""What a demo will do to a channel of somebody's, told before it does it; and the head of its walk."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from ipcinspect.cli.demo_text import WalkText
from ipcinspect.cli.sheets import Style
from ipcinspect.demo.attaching import Attachment
from ipcinspect.demo.watching import what_waits, who_holds
from ipcinspect.model.snapshot import Snapshot

_PUT = {"sender": "a demo sender", "receiver": "a demo receiver", "both": "a demo sender and a demo receiver"}


class AttachedText(WalkText):
    """Writes the lines of a walk on somebody's channel."""

    def __init__(self, attachment: Attachment, style: Style, width: int) -> None:
        super().__init__(attachment.plan, style, width)
        self._attachment = attachment

    def _summary(self) -> list[str]:
        one, plan = self._attachment, self._plan
        most = "at most " if one.role == "receiver" else ""
        sized = (
            f"{most}{plan.messages} x {plan.size} bytes" if one.demo.carries_payload else f"{most}{plan.messages} times"
        )
        return [
            f"{_named(one)}: {_PUT[one.role]}",
            f"{sized} as {plan.format}" if one.demo.carries_payload and one.role != "receiver" else sized,
            "blocking" if plan.blocking else "non-blocking",
            *([f"told by {plan.notification}"] if one.role != "sender" and one.attach.waits else []),
        ]


def announcement(attachment: Attachment, snapshot: Snapshot, style: Style, width: int) -> Iterator[str]:
    """Lines, each safe to print: the channel as it is, and what will be done to it in which order."""
    channel, plan = attachment.channel, attachment.plan
    owner = None if channel.exposure is None else channel.exposure.owner_uid
    whose = "an unknown user" if owner is None else snapshot.users.get(owner, f"uid {owner}")
    is_seen = channel.key in snapshot.channels_by_key
    now = [channel.state, what_waits(channel, 0), who_holds(channel)] if is_seen else ["nobody visible has it open"]
    now.insert(0, f"owner {whose}")
    yield from _wrapped(style.safe(f"{_named(attachment)}: {', '.join(now)}"), "", width)
    yield from _wrapped(f"{_PUT[attachment.role].capitalize()} will", "", width)
    for sentence in attachment.access.does:
        yield from _wrapped(style.safe(f"- {sentence}"), "  ", width)
    also = [role for role in attachment.attach.roles if role != attachment.role]
    other = f" --as {' or --as '.join(also)} would put something else on it." if also else ""
    notes = f"Nothing of it is made or removed, and nobody is waited for longer than {attachment.within_s:g} s."
    if plan.notification == "mq_notify":
        notes = f"It registers to be told of a message: nobody else can meanwhile (mq_notify(3)). {notes}"
    yield from _wrapped(notes + other, "", width)


def _named(attachment: Attachment) -> str:
    channel = attachment.channel
    known = channel.name is None or channel.name in channel.id
    return channel.id if known else f"{channel.id} ({channel.name})"


def _wrapped(text: str, indent: str, width: int) -> Iterator[str]:
    after = indent + "  " if indent else ""
    for line in textwrap.wrap(text, width, initial_indent=indent, subsequent_indent=after, break_on_hyphens=False):
        yield line + "\n"
