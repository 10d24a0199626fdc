"""What the rules say of every program and scenario: `python -m tests.live.confusion` prints the confusion matrix.

Each is looked at several times; a program that is stuck counts as found where every look but the first said so, and
one that is well as accused where any look did.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping

from ipcinspect.demo.breaking import Broken
from ipcinspect.demo.broken import SCENARIOS
from ipcinspect.inspector import Inspector
from ipcinspect.model.snapshot import Want
from ipcinspect.sources.live import LiveSource
from tests.live.running_programs import Programs, running
from tests.live.stuck_programs import STUCK
from tests.live.subjects import WITHIN_S
from tests.live.well_programs import CHURN, WELL

LOOKS = 6


def told(programs: Programs, names: Mapping[str, str]) -> list[set[str]]:
    """In each look, the programs of which something worse than information is said."""
    inspector = Inspector(LiveSource())
    found = []
    for _ in range(LOOKS):
        findings = inspector.observe(Want(waits=True)).findings
        people = {
            programs.name_of(key.process.pid) for one in findings if one.severity != "info" for key in one.threads
        }
        found.append({name for name in people if name is not None and name in names})
    return found


def main() -> None:
    """Run all of them and print."""
    well = {**WELL, **CHURN}
    with tempfile.TemporaryDirectory() as directory, running({**STUCK, **WELL}, directory) as programs:
        looks = told(programs, {**STUCK, **WELL})
    with tempfile.TemporaryDirectory() as directory, running(CHURN, directory) as programs:
        churned = told(programs, CHURN)
    missed = {name for name in STUCK for look in looks[1:] if name not in look}
    accused = {name for name in well for look in (*looks, *churned) if name in look}
    silent = [scenario.word for scenario in SCENARIOS if not _fires(scenario.word)]
    print("| | said so | said nothing |\n|---|---|---|")
    print(f"| stuck ({len(STUCK)} programs) | {len(STUCK) - len(missed)} | {len(missed)} |")
    print(f"| well ({len(well)} programs) | {len(accused)} | {len(well) - len(accused)} |")
    print(f"| broken scenarios ({len(SCENARIOS)}) | {len(SCENARIOS) - len(silent)} | {len(silent)} |")
    for what, names in (("missed", missed), ("accused", accused), ("silent", silent)):
        for name in sorted(names):
            print(f"{what}: {name}")


def _fires(word: str) -> bool:
    """Whether the rule of a scenario finds it; some have to be so for a while."""
    scenario = next(one for one in SCENARIOS if one.word == word)
    inspector = Inspector(LiveSource())
    with Broken(scenario):
        until = time.monotonic() + WITHIN_S
        while time.monotonic() < until:
            if any(one.rule == scenario.rule for one in inspector.observe(Want(waits=True, limits=True)).findings):
                return True
    return False


if __name__ == "__main__":
    main()
