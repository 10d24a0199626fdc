"""One line of a demo's walk as a JSON document: what a process did, and beside it what the kernel shows."""

from __future__ import annotations

from collections.abc import Iterator
from json.encoder import encode_basestring_ascii as quoted

from ipcinspect.export.json_document import ChannelWriter, array, gaps, head, value
from ipcinspect.mechanisms.demo_part import Report
from ipcinspect.model.channel import Channel
from ipcinspect.model.snapshot import Snapshot


def walk_document(
    snapshot: Snapshot,
    stage: str,
    side: str | None,
    at_s: float,
    report: Report | None,
    says: str | None,
    channel: Channel | None,
    fault: bool,
) -> Iterator[str]:
    """`snapshot`: the last look; `channel`: of that look where this line shows one."""
    yield f'{head(snapshot)}, "stage": "{stage}", "side": {value(side)}, "at_s": {round(at_s, 9)!r}, '
    if report is None:
        yield '"call": null, "args": null, "result": null, "errno": null, "took_s": null, '
    else:
        took = None if report.took_s is None else round(report.took_s, 9)
        yield f'"call": {quoted(report.call)}, "args": {array(map(quoted, report.args))}, '
        yield f'"result": {value(report.result)}, "errno": {value(report.errno)}, "took_s": {value(took)}, '
    kernel = "null" if channel is None else ChannelWriter(snapshot).channel(channel)
    yield f'"says": {value(says)}, "fault": {value(fault)}, "kernel": {kernel}, "gaps": {gaps(snapshot.gaps)}}}'
