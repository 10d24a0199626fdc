"""What a command works with: its options, where it writes, and the machine it looks at."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable
from typing import Protocol

from ipcinspect.cli.complaints import Unable, complain
from ipcinspect.cli.options import Options
from ipcinspect.cli.output import Output
from ipcinspect.cli.sheets import Sheet, Style
from ipcinspect.inspector import Inspector, Observation
from ipcinspect.model.gap import Gap
from ipcinspect.model.snapshot import Snapshot, Want
from ipcinspect.sources import Source

_MORE_LOOKS = 4


class OpenSource(Protocol):
    """Makes the source of snapshots when a command needs it."""

    def __call__(self) -> Source:
        """Raises OSError."""
        ...


class Session:
    """One run of one command."""

    def __init__(self, arguments: argparse.Namespace, options: Options, open_source: OpenSource) -> None:
        self.arguments = arguments
        self.options = options
        self.output = Output()
        self._open_source = open_source
        self._looked: Snapshot | None = None

    def source(self) -> Source:
        """The machine. Raises Unable."""
        try:
            return self._open_source()
        except OSError as error:
            raise Unable(f"nothing can be seen here: {error}") from error

    def inspector(self) -> Inspector:
        """One who looks at the machine, again and again. Raises Unable."""
        return Inspector(self.source(), self.options.show_self)

    def observe(self, inspector: Inspector, want: Want) -> Observation:
        """One look. Raises Unable where none is possible."""
        try:
            observation = inspector.observe(want)
        except OSError as error:
            raise Unable(f"nothing can be seen here: {error}") from error
        self._looked = observation.snapshot
        return observation

    def observe_settled(self, inspector: Inspector, want: Want) -> Observation:
        """One look, or a few where processes came and went so fast that some may have been missed. Raises Unable."""
        observation = self.observe(inspector, want)
        for _ in range(_MORE_LOOKS):
            if observation.snapshot.settled:
                break
            observation = self.observe(inspector, want)
        return observation

    def diagnostics(self) -> str:
        """What the last look cost, for `--debug`."""
        if self._looked is None:
            return "no look was taken\n"
        parts = "".join(f"  {cost.part:<12} {cost.seconds * 1000:9.1f} ms\n" for cost in self._looked.costs)
        return f"{'last look':<14} {self._looked.duration_s * 1000:9.1f} ms\n{parts}"

    def width(self) -> int:
        """Cells in a line of the terminal."""
        return self.output.width(self.options.environ.get("COLUMNS"))

    def style(self) -> Style:
        """How to write for whoever reads: eyes or a program."""
        if self.output.is_terminal:
            from ipcinspect.cli.terminal import TerminalStyle  # measures characters with rich

            return TerminalStyle(self.width(), self.options.ascii, self.options.color)
        from ipcinspect.cli.plain import PlainStyle

        return PlainStyle()

    def write_sheets(self, sheets: Iterable[Sheet], style: Style) -> None:
        """Sheets in a style. Raises ReaderGone or Unable."""
        for line in style.lines(sheets):
            self.output.write(line)

    def write_document(self, chunks: Iterable[str]) -> None:
        """A JSON document on a line of its own. Raises ReaderGone or Unable."""
        for chunk in chunks:
            self.output.write(chunk)
        self.output.write("\n")

    def directory(self) -> str:
        """Where relative paths start; `/` where the working directory is gone."""
        try:
            return os.getcwd()
        except OSError:
            return "/"

    def tell_gaps(self, snapshot: Snapshot) -> None:
        """On standard error, after the output: what the snapshot lacks and how to see it."""
        self.output.flush()
        for line in gap_lines(snapshot):
            complain(line)


def gap_lines(snapshot: Snapshot) -> list[str]:
    """`14 processes hidden: run as root`, and one line for all else that is missing. What merely ended is no gap."""
    lines = []
    hidden = snapshot.hidden_processes or _hidden_elsewhere(snapshot)
    if hidden:
        remedy = "run as root" if snapshot.host.uid != 0 else "`ipcinspect doctor` tells why"
        lines.append(f"{hidden} {'process' if hidden == 1 else 'processes'} hidden: {remedy}")
    others = [gap for gap in snapshot.gaps if gap.why != "vanished" and not (hidden and _is_of_hidden_processes(gap))]
    if others:
        told = [f"{gap.what} ({gap.why}{'' if gap.count is None else f', {gap.count}'})" for gap in others]
        lines.append(f"not seen: {'; '.join(told)}")
    return lines


def _hidden_elsewhere(snapshot: Snapshot) -> int:
    """How many processes are hidden that the snapshot leaves out, as under `run`: holders may be in them too."""
    gaps = [gap for gap in snapshot.gaps if gap.what == "descriptors of processes" and gap.why == "denied"]
    return sum(gap.count or 0 for gap in gaps)


def _is_of_hidden_processes(gap: Gap) -> bool:
    """Whether the line about hidden processes says it already."""
    return gap.why == "denied" and gap.what.endswith(" of processes")
