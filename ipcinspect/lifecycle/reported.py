"""What processes reported of themselves, put into the lives of the channels that it is about."""

from __future__ import annotations

from dataclasses import replace

from ipcinspect.lifecycle import history
from ipcinspect.lifecycle.changes import Changes
from ipcinspect.lifecycle.history import EMPTY
from ipcinspect.lifecycle.life import Event
from ipcinspect.model.channel_key import ChannelKey


class Reported:
    """Adds reports to what one look tells."""

    def __init__(self, changes: Changes) -> None:
        self._changes = changes
        self._records = dict(changes.records)
        self._closed = {one.channel.key: one for one in changes.closed}

    def add(self, key: ChannelKey, event: Event) -> bool:
        """Put it at its channel, be it one that went lately; False where no such channel is known."""
        channel = self._changes.channel(key)
        if channel is not None:
            self._records[channel.key] = history.told(self._records.get(channel.key, EMPTY), event)
            return True
        gone = self._changes.gone(key)
        if gone is None:
            return False
        last = self._closed[gone.channel.key]
        self._closed[gone.channel.key] = replace(last, record=history.told(last.record, event))
        return True

    def changes(self) -> Changes:
        """The same look with them."""
        return replace(self._changes, records=self._records, closed=tuple(self._closed.values()))
