"""What is in a channel, as a JSON document: every byte of it, and as text where it is text."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from json.encoder import encode_basestring_ascii as quoted

from ipcinspect.export.json_document import ChannelWriter, channels_member, gaps, head, moment, value
from ipcinspect.model.channel import Channel
from ipcinspect.model.contents import Contents, Piece
from ipcinspect.model.payload import shape
from ipcinspect.model.snapshot import Snapshot


def contents_document(
    snapshot: Snapshot, channel: Channel, contents: Contents, most: int, peeked_at: float
) -> Iterator[str]:
    """The channel as it was at the look, and what was copied out of it right after; `most` bytes were asked for."""
    yield f"{head(snapshot)}, "
    yield from channels_member([channel], ChannelWriter(snapshot))
    yield f', "contents": {{"peeked_at": {moment(peeked_at)}, "by": {value(contents.by or None)}, '
    yield f'"max_bytes": {most}, "shown_bytes": {contents.shown_bytes}, "total_bytes": {value(contents.total_bytes)}, '
    yield f'"total_messages": {value(contents.total_messages)}, "note": {value(contents.note)}, "pieces": ['
    separator = ""
    for piece in contents.pieces:
        yield separator + _piece(piece)
        separator = ", "
    yield f']}}, "gaps": {gaps(snapshot.gaps)}}}'


def _piece(piece: Piece) -> str:
    kind = shape(piece.data)
    return (
        f'{{"title": {value(piece.title)}, "offset": {piece.offset}, "bytes": {len(piece.data)}, '
        f'"size_bytes": {value(piece.size)}, "shape": "{kind}", "text": {_text(piece.data, kind)}, '
        f'"base64": "{b64encode(piece.data).decode("ascii")}"}}'
    )


def _text(data: bytes, kind: str) -> str:
    """The same bytes as a string, where they are text without exception; else null."""
    if kind not in ("text", "JSON"):
        return "null"
    try:
        return quoted(data.decode("utf-8"))
    except UnicodeDecodeError:
        return "null"
