"""Findings as text: a sentence, what shows it, what could make it not so, what to do."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator

from ipcinspect.cli.sheets import Style
from ipcinspect.diagnosis import wording
from ipcinspect.diagnosis.finding import Finding

WIDEST = 100
"""Cells of a line of prose at most: longer ones are hard to read."""
_LABEL = 10
_MARKS = {"error": "■", "warning": "▲", "info": "○"}
_MARKS_ASCII = {"error": "#", "warning": "!", "info": "o"}


class FindingText:
    """Writes findings for people."""

    def __init__(self, style: Style, width: int, ascii_only: bool) -> None:
        self._style, self._width = style, max(min(width, WIDEST), 40)
        self._marks = _MARKS_ASCII if ascii_only else _MARKS

    def lines(self, findings: Iterable[Finding], taken_at: float) -> Iterator[str]:
        """All that one look found, a blank line between two."""
        for number, finding in enumerate(findings):
            if number:
                yield "\n"
            yield from self._finding(finding, taken_at)

    def _finding(self, finding: Finding, taken_at: float) -> Iterator[str]:
        mark = self._marks[finding.severity]
        head = f"{mark} {finding.rule}" + ("" if finding.certainty == "exact" else ", likely")
        lasted = wording.lasted(finding.since, taken_at)
        head += f", {lasted}" if lasted else ""
        yield self._style.painted(head, finding.severity if finding.severity != "info" else "muted") + "\n"
        yield from self.prose(finding.message, "  ", "strong")
        for number, one in enumerate(finding.evidence):
            yield from self._labelled("Evidence" if not number else "", f"{one.fact}  ({one.source})")
        for number, caveat in enumerate(finding.caveats):
            yield from self._labelled("But" if not number else "", caveat)
        yield from self._labelled("Remedy", finding.remedy)

    def _labelled(self, label: str, text: str) -> Iterator[str]:
        first = f"  {label:<{_LABEL}}"
        yield from self.prose(text, first, "text", " " * len(first))

    def prose(self, text: str, indent: str, role: str, after: str | None = None) -> Iterator[str]:
        """A sentence, wrapped."""
        wrapped = textwrap.wrap(
            self._style.safe(text),
            self._width,
            initial_indent=indent,
            subsequent_indent=indent if after is None else after,
            break_on_hyphens=False,
        )
        for line in wrapped:
            yield self._style.painted(line, role) + "\n"
