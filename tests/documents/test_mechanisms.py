"""README's table of mechanisms is what the rooms say, and every test that it names exists."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from ipcinspect.mechanisms import MECHANISMS
from tests.documents.mechanisms import BEGIN, README, proof_of, table

ROOT = Path(__file__).resolve().parents[2]


def test_the_table_in_readme_is_made_from_the_rooms_of_today() -> None:
    assert f"{BEGIN}\n{table()}\n" in README.read_text(encoding="utf-8")


def test_every_test_that_proves_a_cell_exists() -> None:
    named = {test for room in MECHANISMS for test in proof_of(room)}
    files = sorted({name.partition("::")[0] for name in named})
    result = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", *files],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    collected = result.stdout.splitlines()
    assert named <= {*collected, *(name.partition("[")[0] for name in collected)}
