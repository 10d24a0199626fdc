"""Which channel an id means: ids that are aliases of each other are one channel."""

from __future__ import annotations

from collections.abc import Mapping

from ipcinspect.lifecycle.waiting import is_listener
from ipcinspect.model.channel import Channel
from ipcinspect.model.channel_key import ChannelKey
from ipcinspect.model.snapshot import Snapshot


class Names:
    """The ids and aliases of one snapshot."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._channels = snapshot.channels_by_key
        self._keys: Mapping[str, ChannelKey] = {
            name: channel.key for channel in snapshot.channels for name in (channel.id, *channel.aliases)
        }

    def same(self, channel: Channel) -> Channel | None:
        """The channel of this snapshot that shares an id with one of another look; None where none does.

        Of a listener only its own id counts: its clients go on without it.
        """
        if channel.key in self._channels:
            return self._channels[channel.key]
        own = (channel.id,) if is_listener(channel) else (channel.id, *channel.aliases)
        keys = (self._keys.get(name) for name in own)
        return next((self._channels[key] for key in keys if key is not None), None)
