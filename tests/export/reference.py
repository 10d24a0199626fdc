"""The JSON documents as plain structures: what `json.dumps` of them gives is what the fast writer has to give."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from ipcinspect.model.channel import Channel, Endpoint, Field, FieldValue, Queue
from ipcinspect.model.snapshot import Snapshot
from ipcinspect.model.words import stage_of


def document(snapshot: Snapshot, channels: Sequence[Channel], fields: Sequence[Field]) -> dict[str, Any]:
    """A document of channels that all have these fields."""
    return {
        "schema": "ipcinspect/1",
        "host": snapshot.host.name,
        "boot_id": snapshot.host.boot_id,
        "taken_at": moment(snapshot.taken_at),
        "duration_s": round(snapshot.duration_s, 6),
        "channels": [_channel(channel, snapshot, fields) for channel in channels],
        "gaps": [{"what": gap.what, "why": gap.why, "count": gap.count} for gap in snapshot.gaps],
    }


def moment(seconds: float | None) -> str | None:
    """RFC 3339 in UTC, cut to milliseconds."""
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds // 1, UTC).strftime("%Y-%m-%dT%H:%M:%S") + f".{int(seconds % 1 * 1000):03}Z"


def _channel(channel: Channel, snapshot: Snapshot, fields: Sequence[Field]) -> dict[str, Any]:
    return {
        "id": channel.id,
        "aliases": list(channel.aliases),
        "mechanism": channel.mechanism,
        "name": channel.name,
        "state": channel.state,
        "stage": stage_of(channel.state),
        "relation": channel.relation,
        "queued_bytes": channel.queued_bytes,
        "queued_messages": channel.queued_messages,
        "capacity_bytes": channel.capacity_bytes,
        "fill": _ratio(channel.fill),
        "queues": [_queue(queue) for queue in channel.queues],
        "namespace": {"net": channel.namespaces.net, "ipc": channel.namespaces.ipc},
        "exposure": _exposure(channel, snapshot),
        "created_at": moment(channel.created_at),
        "endpoints": [_endpoint(end, snapshot) for end in channel.endpoints],
        "fields": {field.name: _field(field, value) for field, value in zip(fields, channel.fields, strict=False)},
    }


def _exposure(channel: Channel, snapshot: Snapshot) -> dict[str, Any] | None:
    exposure = channel.exposure
    if exposure is None:
        return None
    return {
        "reach": exposure.reach,
        "owner_uid": exposure.owner_uid,
        "owner": None if exposure.owner_uid is None else snapshot.users.get(exposure.owner_uid),
        "mode": None if exposure.mode is None else f"{exposure.mode:04o}",
        "world_writable": exposure.world_writable,
    }


def _queue(queue: Queue) -> dict[str, Any]:
    times = {"written_at": moment(queue.written_at), "read_at": moment(queue.read_at)}
    return {**queue._asdict(), "fill": _ratio(queue.fill), **times}


def _endpoint(end: Endpoint, snapshot: Snapshot) -> dict[str, Any]:
    process = end.process
    uid = None if process is None else process.uid
    return {
        "side": end.side,
        "role": end.role,
        "pid": None if process is None else process.pid,
        "starttime": None if process is None else process.starttime,
        "comm": None if process is None else process.comm,
        "fd": end.fd,
        "inode": end.inode,
        "uid": uid,
        "user": None if uid is None else snapshot.users.get(uid),
        "container": None if process is None else process.container,
        "address": end.address,
    }


def _field(field: Field, value: FieldValue) -> FieldValue:
    return moment(value) if field.unit == "time" and isinstance(value, (int, float)) else value


def _ratio(fill: float | None) -> float | None:
    return None if fill is None else round(fill, 4)
