"""4 Findings: what is wrong on this machine, what shows it, what to do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from ipcinspect.diagnosis.finding import Finding
from ipcinspect.model.channel_key import ChannelKey
from ipcinspect.model.process import ProcessKey
from ipcinspect.tui import figures
from ipcinspect.tui.drawing import Line, Span
from ipcinspect.tui.findings_text import FindingRows, finding_lines, finding_rule, findings_head, nothing_wrong
from ipcinspect.tui.glyphs import Glyphs
from ipcinspect.tui.header import Key
from ipcinspect.tui.rows import Rows
from ipcinspect.tui.screens.report import ReportPage
from ipcinspect.tui.stuck_text import no_waits
from ipcinspect.tui.view import View


class FindingsPage(ReportPage):
    """A row for each finding; below it all about the chosen one."""

    KEYS: ClassVar[tuple[Key, ...]] = (Key("up down", "finding"), *ReportPage.KEYS)

    def __init__(self) -> None:
        super().__init__(id="findings-page")

    def rows(self, view: View) -> Rows:
        findings = () if view.trouble is None else view.trouble.findings
        return FindingRows(findings, view.snapshot.taken_at)

    def finding(self) -> Finding | None:
        """The chosen one."""
        rows, key = self.list.rows, self.chosen()
        place = None if key is None else rows.find(key)
        return rows.findings[place] if isinstance(rows, FindingRows) and place is not None else None

    def title(self, width: int, glyphs: Glyphs) -> Line:
        return finding_rule(self.finding(), width, glyphs)

    def report(self, view: View, width: int, glyphs: Glyphs) -> Sequence[Line]:
        finding = self.finding()
        if view.trouble is None:
            return no_waits()
        if finding is None:
            return nothing_wrong(view.snapshot, self.ipc.feed.judged_looks, width, glyphs)
        return list(finding_lines(finding, width, glyphs))

    def headline(self, width: int, glyphs: Glyphs) -> Line | None:
        view = self.ipc.view
        if view is None or view.trouble is None:
            return None
        if len(self.list.rows):
            return findings_head(width - 1, glyphs)
        checked = f"   checked {figures.wall_time(view.trouble.taken_at)}"
        return (Span(" "), Span(f"{glyphs.marks['moving']} nothing is wrong", "ok"), Span(checked, "muted"))

    def channel(self) -> ChannelKey | None:
        finding = self.finding()
        return finding.channels[0] if finding is not None and finding.channels else None

    def asks_about(self) -> ProcessKey | ChannelKey | None:
        finding = self.finding()
        return finding.threads[0].process if finding is not None and finding.threads else self.channel()

    def process(self) -> ProcessKey | None:
        finding, view = self.finding(), self.ipc.view
        if finding is None or view is None:
            return None
        if finding.threads:
            return finding.threads[0].process
        channel = view.snapshot.channels_by_key.get(finding.channels[0]) if finding.channels else None
        ends = () if channel is None else channel.endpoints
        return next((end.process.key for end in ends if end.process is not None), None)
