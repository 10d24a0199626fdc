"""`ipcinspect check`: what is wrong on this machine, and what to do about it."""

from __future__ import annotations

import argparse

from ipcinspect.cli.complaints import DONE, FOUND, Usage
from ipcinspect.cli.finding_text import FindingText
from ipcinspect.cli.session import Session
from ipcinspect.diagnosis.finding import SEVERITIES, Finding
from ipcinspect.diagnosis.rules import RULES, Rule, find
from ipcinspect.diagnosis.rules.thresholds import threshold_of, with_thresholds
from ipcinspect.export.findings_document import findings_document
from ipcinspect.model.snapshot import Snapshot, Want
from ipcinspect.selection import shown, unknown

SUMMARY = "what is wrong with the channels of this machine, and what to do"
EPILOG = """\
Rules judge what a look shows: who waits for whom, what is full and read by
nobody, what was left behind. Each finding is a sentence, with what shows it,
what could make it not so, and what to do. What is not known well enough is no
finding.

Exit codes: 1 where something is found at or above the severity, 0 where not.

examples:
  ipcinspect check
  ipcinspect check --severity error --json
  ipcinspect check --explain deadlock
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own arguments."""
    parser.add_argument("--severity", choices=SEVERITIES, default="warning", help="the least that is told: warning")
    parser.add_argument(
        "--threshold",
        action="append",
        default=[],
        type=_threshold,
        metavar="RULE=N",
        help="from which number on a rule fires: close-wait-pile=20",
    )
    parser.add_argument("--explain", metavar="RULE", help="what a rule means, how it is seen, what to do")


def run(session: Session) -> int:
    """One look, judged. Raises WordError for a rule that is none, Unable."""
    if session.arguments.explain is not None:
        return _explain(session, session.arguments.explain)
    rules = _rules(session)
    observation = session.observe_settled(session.inspector(), Want(waits=True, limits=True, cmdlines=True))
    least = SEVERITIES.index(session.arguments.severity)
    found = [one for one in find(observation.judged, rules) if SEVERITIES.index(one.severity) >= least]
    if session.options.json:
        session.write_document(findings_document(observation.snapshot, found))
        session.output.flush()
        return FOUND if found else DONE
    tell(session, observation.snapshot, found)
    if not found:
        snapshot = observation.snapshot
        session.output.write(
            f"nothing is wrong: {len(RULES)} rules looked at {len(snapshot.channels)} channels "
            f"of {len(snapshot.processes)} processes\n"
        )
    session.tell_gaps(observation.snapshot)
    return FOUND if found else DONE


def _rules(session: Session) -> tuple[Rule, ...]:
    """With the thresholds of the command line, then of the configuration file. Raises Usage."""
    numbers = {**session.options.config.thresholds, **dict(session.arguments.threshold)}
    try:
        return with_thresholds(RULES, numbers)
    except ValueError as error:
        raise Usage(str(error)) from error


def _threshold(text: str) -> tuple[str, float]:
    word, _, number = text.partition("=")
    try:
        return word, float(number)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"not RULE=NUMBER: '{shown(text)}'") from error


def tell(session: Session, snapshot: Snapshot, findings: list[Finding]) -> None:
    """What was found in one look, for people, in that order."""
    text = FindingText(session.style(), session.width(), session.options.ascii)
    for line in text.lines(findings, snapshot.taken_at):
        session.output.write(line)


def _explain(session: Session, word: str) -> int:
    rule = next((rule for rule in RULES if word == rule.ID), None)
    if rule is None:
        raise unknown("rule", word, [rule.ID for rule in RULES])
    for line in _explained(rule, FindingText(session.style(), session.width(), session.options.ascii)):
        session.output.write(line)
    session.output.flush()
    return DONE


def _explained(rule: Rule, text: FindingText) -> list[str]:
    told = rule.EXPLANATION
    parts: tuple[tuple[str, str], ...] = (("Means", told.means), ("Seen by", told.seen_by), ("Remedy", told.remedy))
    threshold = threshold_of(rule)
    if threshold is not None:
        parts = (*parts, ("Threshold", f"{threshold[0]} {threshold[1]:g}: --threshold {rule.ID}=N changes it."))
    lines = [f"{rule.ID}, {rule.SEVERITY}\n"]
    for label, sentence in parts:
        lines += text.prose(sentence, f"{label:<10}", "text", " " * 10)
    return lines
