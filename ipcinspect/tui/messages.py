"""What the feed's threads tell the screen. A newer message takes the place of one that still waits."""

from __future__ import annotations

from textual.message import Message

from ipcinspect.model.channel_key import ChannelKey
from ipcinspect.model.process import ProcessKey
from ipcinspect.sources import Details
from ipcinspect.tui.inside import Peek
from ipcinspect.tui.view import View


class Looked(Message):
    """A view is ready."""

    def __init__(self, view: View) -> None:
        super().__init__()
        self.view = view

    def can_replace(self, message: Message) -> bool:
        """Only the newest view counts."""
        return isinstance(message, Looked)


class LookFailed(Message):
    """The machine could not be looked at."""

    def __init__(self, reason: str) -> None:
        super().__init__()
        self.reason = reason

    def can_replace(self, message: Message) -> bool:
        """Only the newest failure counts."""
        return isinstance(message, LookFailed)


class DetailsTold(Message):
    """More about one process or channel; None where it cannot be known."""

    def __init__(self, key: ProcessKey | ChannelKey, details: Details | None) -> None:
        super().__init__()
        self.key = key
        self.details = details


class Peeked(Message):
    """What is in a channel has been copied, or could not be."""

    def __init__(self, peek: Peek) -> None:
        super().__init__()
        self.peek = peek
