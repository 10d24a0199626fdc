"""What the screen Findings shows, and the tab of a channel: what is wrong, what shows it, what to do."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass

from ipcinspect.diagnosis.finding import Finding
from ipcinspect.diagnosis.rules import RULES
from ipcinspect.model.snapshot import Snapshot
from ipcinspect.tui import figures
from ipcinspect.tui.drawing import Line, Span, clip, rule, wrap
from ipcinspect.tui.glyphs import Glyphs
from ipcinspect.tui.report_text import caveat_lines, evidence_lines, labelled
from ipcinspect.tui.trouble_lines import MARKS

_RULE, _FOR = 22, 5
_EXPLANATIONS = {rule.ID: rule.EXPLANATION for rule in RULES}


@dataclass(frozen=True)
class FindingRows:
    """A row for each, the worst first."""

    findings: Sequence[Finding]
    now: float

    def __len__(self) -> int:
        return len(self.findings)

    def key(self, index: int) -> Hashable:
        return identity(self.findings[index])

    def find(self, key: Hashable) -> int | None:
        return next((place for place, one in enumerate(self.findings) if identity(one) == key), None)

    def head(self, width: int, glyphs: Glyphs) -> Line | None:
        return None

    def line(self, index: int, width: int, chosen: bool, glyphs: Glyphs) -> Line:
        one = self.findings[index]
        mark, role = MARKS[one.severity]
        return (
            Span(" "),
            Span(f"{glyphs.marks[mark]} {clip(one.rule, _RULE, glyphs)} ", role),
            Span(clip(glyphs.safe(one.message), _room(width), glyphs) + " "),
            Span(clip(self._lasted(one, chosen), _FOR, glyphs, "right"), role),
        )

    def _lasted(self, one: Finding, chosen: bool) -> str:
        if one.since is None:
            return "-"
        seconds = max(self.now - one.since, 0.0)
        return figures.whole_age(seconds) if chosen else figures.steady_age(seconds)


def identity(finding: Finding) -> Hashable:
    """Outlives the look."""
    return (finding.rule, finding.threads, finding.channels)


def findings_head(width: int, glyphs: Glyphs) -> Line:
    """The titles above the rows."""
    titles = clip(" FINDING", _RULE + 4, glyphs) + clip("WHAT", _room(width), glyphs)
    return (Span(f"{titles} {clip('FOR', _FOR, glyphs, 'right')}", "muted"),)


def _room(width: int) -> int:
    return max(width - _RULE - 4 - _FOR - 2, 8)


def finding_rule(finding: Finding | None, width: int, glyphs: Glyphs) -> Line:
    """`─ deadlock  error, likely ─── since 14:05:40 ─`."""
    if finding is None:
        return rule((), (), width, False, glyphs)
    since = () if finding.since is None else (Span(f"since {figures.wall_time(finding.since)}", "muted"),)
    certainty = "" if finding.certainty == "exact" else ", likely"
    role = MARKS[finding.severity][1]
    title = (Span(finding.rule, "strong"), Span("  "), Span(finding.severity + certainty, role))
    return rule(title, since, width, False, glyphs)


def finding_lines(finding: Finding, width: int, glyphs: Glyphs) -> Iterator[Line]:
    """The chosen one: what is so, what shows it, what could make it not so, what to do, and what the rule means."""
    yield from labelled("In short", f"{finding.message}.", "strong", width, glyphs)
    yield from evidence_lines(finding.evidence, width, glyphs)
    yield from caveat_lines(finding, width, glyphs)
    yield from labelled("Remedy", finding.remedy, "accent", width, glyphs)
    explained = _EXPLANATIONS.get(finding.rule)
    if explained is not None:
        yield ()
        yield from labelled("Means", explained.means, "text", width, glyphs)
        yield from labelled("Seen by", explained.seen_by, "text", width, glyphs)
        yield from labelled("To do", explained.remedy, "text", width, glyphs)


def findings_of_channel(findings: Sequence[Finding], known: bool, width: int, glyphs: Glyphs) -> Iterator[Line]:
    """The tab of a channel."""
    if not findings:
        told = "No rule finds anything wrong with this channel." if known else "No rule has judged it yet."
        yield (Span(f" {told}", "muted"),)
    for place, one in enumerate(findings):
        mark, role = MARKS[one.severity]
        if place:
            yield ()
        likely = "" if one.certainty == "exact" else ", likely"
        yield (Span(f" {glyphs.marks[mark]} {one.rule}{likely}", role),)
        yield from labelled("In short", f"{one.message}.", "strong", width, glyphs)
        yield from evidence_lines(one.evidence, width, glyphs)
        yield from caveat_lines(one, width, glyphs)
        yield from labelled("Remedy", one.remedy, "accent", width, glyphs)


def nothing_wrong(snapshot: Snapshot, looks: int, width: int, glyphs: Glyphs) -> list[Line]:
    """The screen without a row: which rules ran, on how much."""
    channels = figures.plural(len(snapshot.channels), "channel")
    processes = figures.plural(len(snapshot.processes), "process")
    lines: list[Line] = [
        (),
        (Span("   No rule finds anything wrong.", "strong"),),
        (),
        (Span("   A finding appears here when a rule is sure, or nearly so, that something is"),),
        (Span("   wrong; what is not known well enough is no finding."),),
        (),
        (Span("   Looked at   ", "muted"), Span(f"{channels} of {processes}, {figures.plural(looks, 'look')}")),
    ]
    if snapshot.hidden_processes:
        hidden = figures.plural(snapshot.hidden_processes, "process")
        lines.append(
            (Span("   Not seen    ", "muted"), Span(f"{hidden}" + (": run as root" if snapshot.host.uid else "")))
        )
    lines.append((Span("   See one     ", "muted"), Span("ipcinspect demo --broken no-reader", "key")))
    rules = ", ".join(rule.ID for rule in RULES)
    for place, row in enumerate(wrap(f"{len(RULES)}: {rules}", max(min(width, 88) - 17, 20))):
        lines.append((Span("               " if place else "   Rules ran   ", "muted"), Span(row)))
    return lines
