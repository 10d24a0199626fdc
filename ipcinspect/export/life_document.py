"""An event of a channel's life as a JSON document of its own: what `follow --json` writes, a line each."""

from __future__ import annotations

from json.encoder import encode_basestring_ascii as quoted

from ipcinspect.export.json_document import ChannelWriter, gaps, head, moment, value
from ipcinspect.lifecycle.life import Event
from ipcinspect.model.channel import Channel
from ipcinspect.model.snapshot import Snapshot


def life_document(
    snapshot: Snapshot, channel: Channel, stage: str | None, event: Event | None, whole: bool = False
) -> str:
    """The channel as it was when the event was told. `whole`: with all that the snapshot has of it."""
    channels = f', "channels": [{ChannelWriter(snapshot, lambda _: stage).channel(channel)}]' if whole else ""
    return (
        f'{head(snapshot)}, "channel": {{"id": {quoted(channel.id)}, "state": {quoted(channel.state)}, '
        f'"stage": {value(stage)}}}, "event": {_event(event)}{channels}, '
        f'"gaps": {gaps(snapshot.gaps)}}}'
    )


def _event(event: Event | None) -> str:
    if event is None:
        return "null"
    return (
        f'{{"at": {moment(event.at)}, "stage": {value(event.stage)}, "what": {quoted(event.what)}, '
        f'"evidence": {quoted(event.evidence)}, "certainty": {quoted(event.certainty)}, '
        f'"state": {value(event.state)}}}'
    )
