"""Each broken scenario fires its rule on real processes, and leaves nothing when it is ended."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from ipcinspect.demo.breaking import Broken
from ipcinspect.demo.broken import SCENARIOS
from ipcinspect.demo.broken.scenario import Scenario
from ipcinspect.diagnosis.finding import Finding
from ipcinspect.diagnosis.rules import RULES
from ipcinspect.inspector import Inspector
from ipcinspect.model.snapshot import Want
from ipcinspect.sources.live import LiveSource
from tests.live.subjects import until

OF_NOBODY = ("sysv-orphan", "sysv-limit-near")
"""Rules about what no process holds: only their machine is known."""
NEEDS_ROOT = ("sysv-limit-near",)


def _people(finding: Finding) -> set[int]:
    return {*(key.process.pid for key in finding.threads), *(key.pid for key in finding.processes)}


def _group(pid: int) -> set[int]:
    """The processes of a process group."""
    found = set()
    for entry in os.listdir("/proc"):
        if entry.isdecimal():
            try:
                if os.getpgid(int(entry)) == pid:
                    found.add(int(entry))
            except OSError:
                continue
    return found


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda one: str(one.word))
def test_its_rule_finds_it_and_nothing_is_left(scenario: Scenario) -> None:
    if scenario.word in NEEDS_ROOT and os.geteuid() != 0:
        pytest.skip("an IPC namespace of its own: needs root")
    inspector = Inspector(LiveSource())
    with Broken(scenario) as broken:
        group = _group(broken.pid)
        assert broken.pid in group

        def is_found() -> bool:
            observation = inspector.observe(Want(waits=True, limits=True))
            mine = {
                key
                for channel in observation.snapshot.channels
                if any(end.process is not None and end.process.pid in group for end in channel.endpoints)
                for key in (channel.key,)
            }
            return any(
                one.rule == scenario.rule
                and (_people(one) & group or mine & set(one.channels) or one.rule in OF_NOBODY)
                for one in observation.findings
            )

        until(is_found, f"{scenario.rule} is found")
        group |= _group(broken.pid)
        directory = Path(str(broken.directory))
        assert directory.is_dir()
    assert not directory.exists()
    until(lambda: not any(Path("/proc", str(pid)).exists() for pid in group), "all of them are gone")


def test_killing_its_keeper_ends_it() -> None:
    with Broken(SCENARIOS[0]) as broken:
        group = _group(broken.pid)
        os.kill(broken.keeper_pid, signal.SIGKILL)
        until(lambda: not any(Path("/proc", str(pid)).exists() for pid in group), "all of them are gone")


def test_a_scenario_is_for_a_rule_that_is_there() -> None:
    rules = [rule.ID for rule in RULES]
    words = [scenario.word for scenario in SCENARIOS]
    assert {scenario.rule for scenario in SCENARIOS} == set(rules)
    assert len(set(words)) == len(words)
