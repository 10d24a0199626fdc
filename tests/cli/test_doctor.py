"""`ipcinspect doctor`: what can be seen, what was missing, what it cost."""

from __future__ import annotations

import json

from tests.cli.machine import machine
from tests.cli.running import Runner
from tests.fakes import FakeSource


def test_sights_gaps_and_costs_with_what_to_do(run_with: Runner) -> None:
    source = FakeSource(machine())
    ran = run_with(source, "doctor")
    assert ran.code == 0
    assert source.wants[0].sights
    assert "partly\tprocesses\tdescriptors of 3 of 4 processes can be read -> run as root\n" in ran.out
    assert "1\tdescriptors of processes\tdenied\n" in ran.out
    assert "?\tudp\tunsupported\n" in ran.out
    assert "processes\t12.3\n" in ran.out


def test_json_has_the_same(run_with: Runner) -> None:
    told = json.loads(run_with(FakeSource(machine()), "doctor", "--json").out)
    assert told["sights"] == [
        {
            "subject": "processes",
            "verdict": "partly",
            "detail": "descriptors of 3 of 4 processes can be read",
            "remedy": "run as root",
        }
    ]
    assert told["costs"] == [{"part": "processes", "seconds": 0.0123}]
    assert (told["kernel"], told["uid"]) == ("6.1.0-18", 1000)
    assert len(told["gaps"]) == 2
