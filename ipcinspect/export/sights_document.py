"""What can be seen of this machine, as a JSON document."""

from __future__ import annotations

from collections.abc import Iterator
from json.encoder import encode_basestring_ascii as quoted

from ipcinspect.export.json_document import array, gaps, head, value
from ipcinspect.model.snapshot import Snapshot


def sights_document(snapshot: Snapshot) -> Iterator[str]:
    """The sights of a snapshot that was taken with them, its gaps, and what it cost."""
    sights = array(
        f'{{"subject": {quoted(sight.subject)}, "verdict": {quoted(sight.verdict)}, '
        f'"detail": {quoted(sight.detail)}, "remedy": {value(sight.remedy)}}}'
        for sight in snapshot.sights
    )
    costs = array(
        f'{{"part": {quoted(cost.part)}, "seconds": {value(round(cost.seconds, 6))}}}' for cost in snapshot.costs
    )
    yield f'{head(snapshot)}, "kernel": {quoted(snapshot.host.kernel)}, "uid": {snapshot.host.uid}, '
    yield f'"sights": {sights}, "costs": {costs}, "gaps": {gaps(snapshot.gaps)}}}'
