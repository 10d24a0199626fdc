"""Lint, format and types, as anyone can run them by hand; each tool runs once over everything."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.architecture.program import ROOT

TOOLS = {
    "ruff finds nothing": ("ruff", "check", "--no-fix", "."),
    "ruff would format nothing": ("ruff", "format", "--check", "."),
    "mypy is content with every type": ("mypy",),
}


@pytest.mark.timeout(400)
@pytest.mark.parametrize("claim", TOOLS)
def test_tool(claim: str) -> None:
    command = [sys.executable, "-m", *TOOLS[claim]]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
