"""Look after look into a channel while data flow through it: the receiver gets every byte once, in order."""

from __future__ import annotations

import tempfile
import time
from contextlib import closing
from pathlib import Path

import pytest

from ipcinspect.demo import DemoPair
from ipcinspect.mechanisms import MECHANISMS
from ipcinspect.mechanisms.room import Room
from ipcinspect.model.channel import Channel
from ipcinspect.model.contents import Contents
from tests.live.peeks import MOST, Hasty, Looker, data_of, peeking, room_of
from tests.live.subjects import until
from tests.live.traffic import FLOWS, MARK, RECORD, Flowing, flowing

PEEKS = 10_000
LEAST = 500
"""On a machine that is so busy that the others do not fit into the time."""
WITHIN_S = 1.5
"""Seconds for one flow. Ten thousand looks into each, by hand:

    python -c "import pytest, tests.live.test_peeks_lose_nothing as t; t.WITHIN_S, t.TURNS = 300, 10_000;
               raise SystemExit(pytest.main(['-q', '-s', '--timeout=900', t.__file__]))"
"""
TURNS = 100
"""Looks into what is no stream."""

WITHOUT_FLOW = [
    room
    for room in MECHANISMS
    if room.DEMO is not None
    and room.TELLS.peek is not None
    and room.NAME not in {mechanism for mechanism, _ in FLOWS.values()}
]
"""Memory and what else is no stream: looked into while the demo's own protocol goes over it."""


@pytest.mark.parametrize("name", FLOWS)
def test_a_receiver_gets_every_byte_once_and_in_order(name: str, directory: Path) -> None:
    with flowing(name, directory) as flow, closing(Hasty(MOST)) as hasty:
        channel = _channel_of(flow)
        room = room_of(channel)
        assert room.TELLS.peek
        peeks, with_data, deadline = 0, 0, time.monotonic() + WITHIN_S
        while peeks < PEEKS and (peeks < LEAST or time.monotonic() < deadline):
            request = hasty if peeks % 100 else peeking()
            with_data += _check(room.peek(request, channel))
            peeks += 1
        sent, received = flow.stop()
    print(f"{name}: {peeks} looks, {with_data} of them saw data of {sent} records")
    assert received == ["right", sent]
    assert sent > 0
    assert with_data > LEAST // 50


def _channel_of(flow: Flowing) -> Channel:
    looker = Looker()
    pids = {flow.sender.pid, flow.receiver.pid}

    def found() -> Channel | None:
        for channel in looker.look().channels:
            held = {end.process.pid for end in channel.endpoints if end.process}
            if channel.mechanism == flow.mechanism and held == pids and not _is_other(channel, flow):
                return channel
        return None

    return until(found, "the channel with both ends") or pytest.fail("no channel")


def _is_other(channel: Channel, flow: Flowing) -> bool:
    """What flows the other way: the pipe of the tokens, and what the sender's own UDP socket receives."""
    readers = {end.process.pid for end in channel.endpoints if end.process and end.role == "reader"}
    return flow.sender.pid in readers


def _check(contents: Contents) -> bool:
    """Whatever was seen is a run of the numbers, without a hole; the System V queue may move between two messages."""
    assert contents.refusal is None
    moved = contents.note is not None and "moved" in contents.note
    runs = [piece.data for piece in contents.pieces] if moved else [data_of(contents)]
    for run in runs:
        start = run.find(MARK + b"\0\0")
        if start >= 0:
            whole = (len(run) - start) // RECORD.size * RECORD.size
            numbers = [number for mark, _, number in RECORD.iter_unpack(run[start : start + whole]) if mark == MARK]
            assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    return bool(contents.pieces)


def test_what_a_demo_pair_hands_over_arrives_whole_between_looks() -> None:
    for room in WITHOUT_FLOW:
        with tempfile.TemporaryDirectory(prefix="names-") as names, DemoPair.start(room, below=names) as pair:
            pair.open()
            _hand_over(room, pair)


def _hand_over(room: Room, pair: DemoPair) -> None:
    pids = {pair.sender_pid, pair.receiver_pid}
    channels = [
        channel
        for channel in Looker().look().channels
        if channel.mechanism == room.NAME and pids <= {end.process.pid for end in channel.endpoints if end.process}
    ]
    assert channels, room.NAME
    request = peeking(MOST)
    for turn in range(TURNS):
        payload = b"turn %d" % turn
        pair.send(payload)
        for channel in channels:
            room.peek(request, channel)
        assert pair.receive() == (payload if room.DEMO and room.DEMO.carries_payload else b""), room.NAME
