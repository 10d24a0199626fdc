"""The rules: a tuple that one can read, in the order in which findings of one severity are told."""

from __future__ import annotations

from collections.abc import Iterable

from ipcinspect.diagnosis.finding import SEVERITIES, Finding
from ipcinspect.diagnosis.rules.deadlock import Deadlock
from ipcinspect.diagnosis.rules.rule import Judged, Rule

__all__ = ["RULES", "Judged", "Rule", "find"]

RULES: tuple[Rule, ...] = (Deadlock(),)


def find(judged: Judged, rules: Iterable[Rule] = RULES) -> tuple[Finding, ...]:
    """What the rules find, the worst first; of one severity in the order of the rules."""
    found = [one for rule in rules for one in rule.check(judged)]
    return tuple(sorted(found, key=lambda one: -SEVERITIES.index(one.severity)))
