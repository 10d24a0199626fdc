"""What the user may set about the rules: one number for each that has one."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence

from ipcinspect.diagnosis.rules.rule import Rule


def threshold_of(rule: Rule) -> tuple[str, float] | None:
    """The name of a rule's number and what it is; None for a rule without one."""
    if not dataclasses.is_dataclass(rule):
        return None
    return next(((field.name, getattr(rule, field.name)) for field in dataclasses.fields(rule)), None)


def with_thresholds(rules: Sequence[Rule], numbers: Mapping[str, float]) -> tuple[Rule, ...]:
    """The rules with these numbers in place of their own, by the rule's word. Raises ValueError."""
    for word, number in numbers.items():
        rule = next((rule for rule in rules if word == rule.ID), None)
        if rule is None or threshold_of(rule) is None:
            raise ValueError(f"no rule '{word}' with a threshold: {', '.join(_words(rules))}")
        if number < 0:
            raise ValueError(f"the threshold of {word} cannot be below 0: {number:g}")
    return tuple(_with(rule, numbers.get(rule.ID)) for rule in rules)


def _words(rules: Iterable[Rule]) -> list[str]:
    return [rule.ID for rule in rules if threshold_of(rule) is not None]


def _with(rule: Rule, number: float | None) -> Rule:
    threshold = threshold_of(rule)
    if number is None or threshold is None:
        return rule
    name, usual = threshold
    made: Rule = dataclasses.replace(rule, **{name: type(usual)(number)})  # type: ignore[type-var]
    return made
