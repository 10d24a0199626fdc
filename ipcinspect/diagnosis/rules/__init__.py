"""The rules: a tuple that one can read, in the order in which findings of one severity are told."""

from __future__ import annotations

from ipcinspect.diagnosis.rules.deadlock import Deadlock
from ipcinspect.diagnosis.rules.rule import Judged, Rule

__all__ = ["RULES", "Judged", "Rule"]

RULES: tuple[Rule, ...] = (Deadlock(),)
