"""A scene: what a walk has told up to one of its lines, as the Demo screen shows it. Pure functions."""

from __future__ import annotations

from typing import NamedTuple

from ipcinspect.demo.plan import Plan
from ipcinspect.demo.telling import Cast, Evidence, Told
from ipcinspect.lifecycle.stages import Station
from ipcinspect.mechanisms.room import Demo
from ipcinspect.model.channel import Channel
from ipcinspect.model.words import STAGES
from ipcinspect.tui import figures
from ipcinspect.tui.demo_words import FORMAT_WORDS


class Scene(NamedTuple):
    """One moment of a walk."""

    plan: Plan
    """Filled in."""
    demo: Demo
    lines: tuple[Told, ...] = ()
    """Told so far, the newest last."""
    cast: Cast | None = None
    """None before both processes are there."""
    payloads: tuple[bytes, ...] = ()
    """The messages as bytes."""
    is_over: bool = False
    """Whether the walk has ended and all of it is shown."""

    @property
    def newest(self) -> Told | None:
        """The line that was told last."""
        return self.lines[-1] if self.lines else None

    @property
    def stage(self) -> str | None:
        """Where it stands, one of `words.STAGES`."""
        return self.lines[-1].stage if self.lines else None

    @property
    def evidence(self) -> Evidence | None:
        """What the kernel showed last."""
        return next((told.evidence for told in reversed(self.lines) if told.evidence is not None), None)

    @property
    def says(self) -> Told | None:
        """The last sentence of the stage where it stands."""
        return next((told for told in reversed(self.lines) if told.says is not None and told.stage == self.stage), None)

    @property
    def fault(self) -> Told | None:
        """The line at which the wanted fault showed, if it has."""
        return next((told for told in self.lines if told.fault), None)

    @property
    def is_answer(self) -> bool:
        """Whether data goes from the receiver to the sender now."""
        return self.stage == "response"

    @property
    def channel(self) -> Channel | None:
        """The channel that is in use now: of an answer that takes a second one, that one."""
        evidence = self.evidence
        if evidence is None:
            return None
        return evidence.back if self.is_answer and evidence.back is not None else evidence.channel

    @property
    def had_channel(self) -> bool:
        """Whether a channel was seen at any moment until now."""
        return any(told.evidence is not None and told.evidence.channel is not None for told in self.lines)

    def last_call(self, side: str) -> Told | None:
        """The line of the newest call of one side."""
        return next((told for told in reversed(self.lines) if told.side == side and told.report is not None), None)

    def is_killed(self, side: str) -> bool:
        """Whether that half is dead."""
        return bool(self.lines) and side in self.lines[-1].killed


def slept_until(scene: Scene, side: str) -> bool | None:
    """Whether a half that has not told the return of its call was woken meanwhile; None where it told of its return.

    A receiver is told of first when it begins to sleep, and then when the walk comes to what woke it: in between, what
    was sent tells that it does not sleep any more.
    """
    told = scene.last_call(side)
    if told is None or told.report is None or told.report.took_s is not None:
        return None
    return side == "b" and scene.lines[-1].sent > told.sent


def is_closed(scene: Scene, side: str) -> bool:
    """Whether that half has let go of its end, as far as its calls tell."""
    return any(
        told.stage == "termination" and told.side == side and told.report is not None and told.report.result is not None
        for told in scene.lines
    )


def stations(scene: Scene) -> list[Station]:
    """The track of the walk: what is behind it, where it stands, a fact each."""
    now = -1 if scene.stage is None else STAGES.index(scene.stage)
    return [Station(stage, _status(scene, place, now), _fact(scene, stage)) for place, stage in enumerate(STAGES)]


def _status(scene: Scene, place: int, now: int) -> str:
    lines = [told for told in scene.lines if told.stage == STAGES[place]]
    if any(told.failed or told.fault for told in lines):
        return "stuck"
    if place > now:
        return "ahead"
    if not lines:
        return "none"
    return "now" if place == now and not scene.is_over else "done"


def _fact(scene: Scene, stage: str) -> str:
    lines = [told for told in scene.lines if told.stage == stage]
    if not lines:
        return ""
    if any(told.failed or told.fault for told in lines):
        return _trouble(scene, lines)
    return _FACTS[STAGES.index(stage)](scene, lines)


def _trouble(scene: Scene, lines: list[Told]) -> str:
    """What went wrong in a stage: by its errno, or in a word."""
    errors = [told.report.errno for told in lines if told.report is not None and told.report.errno]
    if errors:
        return _SHORT.get(errors[-1], errors[-1])
    if any(told.failed for told in lines):
        return "failed"
    if scene.plan.fault == "sender-killed":
        return "waits on" if slept_until(scene, "b") is False else "EOF"
    if scene.plan.fault == "leak" and scene.is_over:
        return "cleaned up"
    return _SILENT_FAULTS.get(scene.plan.fault or "", "no error")


_SHORT = {"ECONNREFUSED": "refused"}
"""Names of errors that are longer than a narrow step of the track."""
_SILENT_FAULTS = {"full": "dropped", "corrupt": "corrupt", "leak": "left"}
"""Faults that no call tells of, in a word."""


def _creation(scene: Scene, lines: list[Told]) -> str:
    return milliseconds(lines[-1].at_s)


def _preparation(scene: Scene, lines: list[Told]) -> str:
    if not scene.demo.carries_payload:
        return "no bytes"
    return f"{FORMAT_WORDS[scene.plan.format]} {figures.size(scene.plan.size)}"


def _transmission(scene: Scene, lines: list[Told]) -> str:
    sent = lines[-1].sent
    if not scene.demo.carries_payload:
        return f"{sent} times"
    return f"{figures.size(sent * scene.plan.size)} sent"


def _delivery(scene: Scene, lines: list[Told]) -> str:
    return f"by {scene.plan.notification}"


def _reception(scene: Scene, lines: list[Told]) -> str:
    return f"{lines[-1].taken} taken"


def _response(scene: Scene, lines: list[Told]) -> str:
    return "same way" if scene.plan.response == "same" else "another"


def _termination(scene: Scene, lines: list[Told]) -> str:
    return "nothing left" if scene.is_over else "closing"


_FACTS = (_creation, _preparation, _transmission, _delivery, _reception, _response, _termination)
"""What tells each of STAGES."""


def milliseconds(seconds: float) -> str:
    """`0.18 ms`, `18.2 ms`, `182 ms`, `1.8 s`: of three figures."""
    if seconds >= 1:
        return f"{seconds:.1f} s"
    amount = seconds * 1000
    return f"{amount:.2f} ms" if amount < 10 else f"{amount:.1f} ms" if amount < 100 else f"{amount:.0f} ms"
