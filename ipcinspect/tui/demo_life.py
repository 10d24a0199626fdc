"""What the processes of a demo say they did, as events in the lives of their channels. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ipcinspect.demo.telling import Cast, Evidence, Told
from ipcinspect.lifecycle.life import Event
from ipcinspect.mechanisms.demo_part import Report
from ipcinspect.model.channel import Channel
from ipcinspect.model.channel_key import ChannelKey
from ipcinspect.tui.demo_calls import SLEPT_S, call_text


def told_events(
    lines: Iterable[Told], cast: Cast, seen: Evidence, began_at: float
) -> Iterator[tuple[ChannelKey, Event]]:
    """An event for each call, at the channel that it was done to; `began_at`: of the walk, seconds since the epoch."""
    for told in lines:
        if told.report is None or told.side is None:
            continue
        slept = told.report.took_s or 0.0
        at = began_at + told.at_s + (slept if slept >= SLEPT_S else 0.0)
        event = Event(at, told.stage, _what(told, told.report, cast), "the process itself says so", "told")
        for channel in _channels(told, told.report, seen):
            yield channel.key, event


def _what(told: Told, report: Report, cast: Cast) -> str:
    """`demo-keeper 7000 made it: pipe2(0) = [5, 7]`, `demo-sender 7001: write(7, 64 bytes) = 64`."""
    who = {
        "maker": f"demo-keeper {cast.maker}",
        "a": f"demo-sender {cast.sender}",
        "b": f"demo-receiver {cast.receiver}",
    }[told.side or ""]
    made = told.side == "maker" and report.about and report.result is not None and told.stage == "creation"
    return f"{who}{' made it' if made else ''}: {call_text(report)}"


def _channels(told: Told, report: Report, seen: Evidence) -> list[Channel]:
    """Both where it was done to neither alone and makes both usable: the halves are forked for both."""
    both = [channel for channel in (seen.channel, seen.back) if channel is not None]
    if report.about:
        return both[1:] if report.about == "back" else both[:1]
    if told.side == "maker":
        return both
    return both[-1:] if told.stage == "response" else both[:1]
