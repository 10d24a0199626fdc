"""A one-shot command loads what it needs and no more: start-up is most of its time on a quiet machine."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = ("textual", "rich", "pyroute2", "psutil", "asyncio", "shtab", "multiprocessing", "unittest")

PROGRAM = """
import sys
from ipcinspect.__main__ import main
sys.argv[1:], report = sys.argv[2:], sys.argv[1]
try:
    code = main()
except SystemExit as end:
    code = end.code
with open(report, "w") as file:
    file.write("\\n".join(sys.modules))
sys.exit(code)
"""


@pytest.mark.parametrize("command", ["list --json", "list", "ps --json", "doctor", "--help", "--version"])
def test_one_shot_command_loads_nothing_heavy(command: str, tmp_path: Path) -> None:
    report = tmp_path / "modules"
    subprocess.run(
        [sys.executable, "-c", PROGRAM, str(report), *command.split()],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        check=True,
    )
    loaded = {name.partition(".")[0] for name in report.read_text().split()}
    assert not loaded & set(HEAVY)
