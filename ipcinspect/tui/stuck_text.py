"""What the screen Stuck shows: who waits for whom, and the chosen knot as a drawing with what it means."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass

from ipcinspect.diagnosis import wording
from ipcinspect.diagnosis.chains import Chain
from ipcinspect.diagnosis.finding import Evidence
from ipcinspect.model.process import ProcessKey
from ipcinspect.model.snapshot import Snapshot
from ipcinspect.model.wait import ThreadKey
from ipcinspect.tui import figures
from ipcinspect.tui.chain_text import chain_lines, what_root_waits_for
from ipcinspect.tui.drawing import Line, Span, clip, rule
from ipcinspect.tui.glyphs import Glyphs
from ipcinspect.tui.report_text import caveat_lines, evidence_lines, labelled
from ipcinspect.tui.trouble import Tangle, Trouble, shown_chains
from ipcinspect.tui.trouble_lines import MARKS

_KIND, _STUCK, _FOR = 9, 5, 5
_CHAINS_AT_MOST = 6
"""Of a process that is asked about: threads whose chains are drawn."""
_ASKED_AT_MOST = 20
"""Threads of it whose chains are followed: most of many wait for the same."""
_DRAWN = "proc_pid_syscall(5)"
"""What tells the calls that are drawn above."""


@dataclass(frozen=True)
class TangleRows:
    """A row for each."""

    tangles: Sequence[Tangle]
    now: float

    def __len__(self) -> int:
        return len(self.tangles)

    def key(self, index: int) -> Hashable:
        return self.tangles[index].identity

    def find(self, key: Hashable) -> int | None:
        return next((place for place, one in enumerate(self.tangles) if one.identity == key), None)

    def head(self, width: int, glyphs: Glyphs) -> Line | None:
        return None

    def line(self, index: int, width: int, chosen: bool, glyphs: Glyphs) -> Line:
        one = self.tangles[index]
        mark, role = MARKS[one.severity]
        number = str(len(one.processes)) if one.severity != "info" else "-"
        return (
            Span(" "),
            Span(f"{glyphs.marks[mark]} {clip(one.kind, _KIND, glyphs)} ", role),
            Span(clip(glyphs.safe(one.sentence), _room(width), glyphs) + " "),
            Span(clip(number, _STUCK, glyphs, "right") + "  "),
            Span(clip(self._lasted(one, chosen), _FOR, glyphs, "right"), role),
        )

    def _lasted(self, one: Tangle, chosen: bool) -> str:
        if one.since is None:
            return "?" if one.severity != "info" else "-"
        seconds = max(self.now - one.since, 0.0)
        return figures.whole_age(seconds) if chosen else figures.steady_age(seconds)


def stuck_head(width: int, glyphs: Glyphs) -> Line:
    """The titles above the rows."""
    titles = clip(" KNOT", _KIND + 4, glyphs) + clip("WHO WAITS FOR WHOM", _room(width), glyphs)
    return (Span(f"{titles} {clip('STUCK', _STUCK, glyphs, 'right')}  {clip('FOR', _FOR, glyphs, 'right')}", "muted"),)


def _room(width: int) -> int:
    return max(width - _KIND - 4 - _STUCK - _FOR - 4, 8)


def asked(trouble: Trouble, process: ProcessKey) -> Tangle:
    """A row for a process that the user asks about, stuck or not."""
    threads = _threads_of(trouble, process)
    chains = _different_chains(trouble, threads)
    first = max(chains, key=lambda one: len(one.hops)).hops[0]
    one = next(one for one in chains if one.hops[0] == first)
    name = wording.process_name(process, trouble.judged.snapshot)
    since, sentence = None if first.wait is None else first.wait.since, _sentence(trouble, name, one)
    return Tangle("why", "info", ("why", process), sentence, threads, threads[0], since, chains=chains)


def _different_chains(trouble: Trouble, threads: Sequence[ThreadKey]) -> tuple[Chain, ...]:
    """One for each thing that some of the threads wait for."""
    found: dict[object, Chain] = {}
    for thread in threads[:_ASKED_AT_MOST]:
        one = trouble.chain(thread)
        first = one.hops[0]
        found.setdefault((first.awaited, None if first.wait is None else first.wait.told), one)
    return tuple(found.values())[:_CHAINS_AT_MOST]


def _threads_of(trouble: Trouble, process: ProcessKey) -> tuple[ThreadKey, ...]:
    sleepers = trouble.judged.graph.sleepers.get(process)
    threads = [wait.thread for wait in sleepers.waits] if sleepers is not None else []
    return tuple(sorted(threads)) or (ThreadKey(process, process.pid),)


def _sentence(trouble: Trouble, name: str, one: Chain) -> str:
    last = one.hops[-1]
    if len(one.hops) == 1:
        return f"{name} {what_root_waits_for(trouble.judged.graph, last, one.why)}"
    if one.back_to is not None:
        return f"{name} waits, and that comes back in a circle"
    return f"{name} waits, in the end for {wording.who(last.thread, trouble.judged.snapshot)}"


def tangle_rule(tangle: Tangle | None, width: int, glyphs: Glyphs) -> Line:
    """`─ deadlock  make 2211 and tee 2212 wait for each other ─── since 14:05:40 ─`."""
    if tangle is None:
        return rule((), (), width, False, glyphs)
    since = () if tangle.since is None else (Span(f"since {figures.wall_time(tangle.since)}", "muted"),)
    title = (Span(tangle.kind, "strong"), Span(f"  {glyphs.safe(tangle.sentence)}", "muted"))
    return rule(title, since, width, False, glyphs)


def tangle_lines(trouble: Trouble, tangle: Tangle, width: int, glyphs: Glyphs) -> list[Line]:
    """The drawing, then what it means and what to do."""
    lines: list[Line] = []
    for one in chains_of(trouble, tangle):
        lines += [()] if lines else []
        lines += chain_lines(trouble.judged.graph, one, tangle.severity, width, glyphs)
    return [*lines, (), *_meaning(trouble, tangle, width, glyphs)]


def drawn_small(trouble: Trouble, tangle: Tangle, width: int, glyphs: Glyphs) -> list[Line]:
    """The drawing alone, below a rule of its own."""
    chains = chains_of(trouble, tangle)[:1]
    drawn = [line for one in chains for line in chain_lines(trouble.judged.graph, one, tangle.severity, width, glyphs)]
    return [(), tangle_rule(tangle, width, glyphs), *drawn]


def chains_of(trouble: Trouble, tangle: Tangle) -> Sequence[Chain]:
    """The chain that shows most of it; of a process that is asked about one for each thing that it waits for."""
    return tangle.chains or shown_chains(trouble.judged, tangle)


def _meaning(trouble: Trouble, tangle: Tangle, width: int, glyphs: Glyphs) -> Iterator[Line]:
    yield from labelled("In short", _in_short(trouble, tangle), "strong", width, glyphs)
    if tangle.kind == "chain" and tangle.root is not None:
        yield from _of_chain(trouble, tangle, tangle.root, width, glyphs)
    if not tangle.findings:
        return
    facts = [one for one in tangle.findings[-1].evidence if one.source != _DRAWN]
    drawn = [Evidence("the calls that are drawn above", _DRAWN)]
    yield from evidence_lines([*facts, *drawn], width, glyphs)
    yield from caveat_lines(tangle.findings[0], width, glyphs)
    yield from labelled("Remedy", tangle.findings[0].remedy, "accent", width, glyphs)


def _in_short(trouble: Trouble, tangle: Tangle) -> str:
    if tangle.root is not None:
        graph, one = trouble.judged.graph, chains_of(trouble, tangle)[0]
        root = wording.process_name(tangle.root.process, graph.snapshot)
        return f"{root} {what_root_waits_for(graph, one.hops[-1], one.why)}; {tangle.sentence.removesuffix(root)}it."
    if not tangle.findings:
        return f"{tangle.sentence}."
    likely = "Likely: " if tangle.findings[0].certainty == "likely" else ""
    return f"{likely}{tangle.findings[0].message}."


def _of_chain(trouble: Trouble, tangle: Tangle, root: ThreadKey, width: int, glyphs: Glyphs) -> Iterator[Line]:
    """Nobody is stuck for good: what the root does instead is the answer."""
    name = wording.who(root, trouble.judged.snapshot)
    facts = [
        Evidence(
            "who stands above the root has not run for as long as is told there", "context switches, proc_pid_status(5)"
        )
    ]
    facts.append(Evidence("the calls that are drawn above", _DRAWN))
    yield from evidence_lines(facts, width, glyphs)
    yield from labelled("Remedy", f"have {name} go on, or end it: kill {root.process.pid}", "accent", width, glyphs)


def nothing_stuck(trouble: Trouble, snapshot: Snapshot, interval: float, glyphs: Glyphs) -> list[Line]:
    """The screen without a row."""
    threads, channels = len(trouble.judged.graph.waits), figures.plural(len(snapshot.channels), "channel")
    processes = figures.plural(len(snapshot.processes), "process")
    lines: list[Line] = [
        (),
        (Span(f"   No process{_that_was_read(snapshot)} waits for something that cannot happen.", "strong"),),
        (),
        (Span("   A knot appears here when a process sleeps in a call that only another"),),
        (Span("   process can end: a full pipe, an empty queue, a lock, a semaphore,"),),
        (Span("   a connection nobody accepts."),),
        (),
        (Span("   Looked at   ", "muted"), Span(f"{channels} of {processes}, every {interval:g}s")),
        (Span("               "), Span(f"{figures.plural(threads, 'thread')} asleep: none is known to wait in vain")),
    ]
    if snapshot.hidden_processes:
        hidden = figures.plural(snapshot.hidden_processes, "process")
        lines.append(
            (Span("   Not seen    ", "muted"), Span(f"{hidden}" + (": run as root" if snapshot.host.uid else "")))
        )
    lines.append((Span("   See one     ", "muted"), Span("ipcinspect demo --broken deadlock", "key")))
    return lines


def _that_was_read(snapshot: Snapshot) -> str:
    """Of those that are hidden nothing is said."""
    return " that could be read" if snapshot.hidden_processes else ""


def no_waits() -> list[Line]:
    """The screen before the first look, or of a source that tells no waits."""
    return [(), (Span("   What threads wait for is not known yet.", "muted"),)]
