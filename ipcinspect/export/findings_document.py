"""Findings as a JSON document."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from json.encoder import encode_basestring_ascii as quoted

from ipcinspect.diagnosis.finding import Finding
from ipcinspect.export.json_document import ChannelWriter, array, gaps, head, value
from ipcinspect.export.moments import rfc3339
from ipcinspect.model.snapshot import Snapshot
from ipcinspect.model.wait import ThreadKey


def findings_document(snapshot: Snapshot, findings: Iterable[Finding]) -> Iterator[str]:
    """All of them; names in the sentences are exact."""
    writer = ChannelWriter(snapshot)
    yield f'{head(snapshot)}, "findings": {array(_finding(one, snapshot, writer) for one in findings)}, '
    yield f'"gaps": {gaps(snapshot.gaps)}}}'


def _finding(finding: Finding, snapshot: Snapshot, writer: ChannelWriter) -> str:
    channels = (snapshot.channels_by_key.get(key) for key in finding.channels)
    evidence = (f'{{"fact": {quoted(one.fact)}, "source": {quoted(one.source)}}}' for one in finding.evidence)
    return (
        f'{{"rule": {quoted(finding.rule)}, "severity": "{finding.severity}", "certainty": "{finding.certainty}", '
        f'"message": {quoted(finding.message)}, "remedy": {quoted(finding.remedy)}, '
        f'"since": {value(None if finding.since is None else rfc3339(finding.since))}, '
        f'"processes": {array(_people(finding, snapshot, writer))}, '
        f'"channels": {array(quoted(one.id) for one in channels if one is not None)}, '
        f'"evidence": {array(evidence)}, "caveats": {array(map(quoted, finding.caveats))}}}'
    )


def _people(finding: Finding, snapshot: Snapshot, writer: ChannelWriter) -> Iterator[str]:
    """The threads, and the processes that are meant as a whole: by their first thread."""
    for key in (*finding.threads, *(ThreadKey(process, process.pid) for process in finding.processes)):
        yield _thread(key, snapshot, writer)


def _thread(key: ThreadKey, snapshot: Snapshot, writer: ChannelWriter) -> str:
    process = snapshot.processes.get(key.process.pid)
    if process is None or process.key != key.process:
        return f'{{"pid": {key.process.pid}, "starttime": {key.process.starttime}, "tid": {key.tid}}}'
    return f'{{{writer.process_members(process)}, "tid": {key.tid}}}'
