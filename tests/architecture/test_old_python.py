"""The floors that may run on a remote host keep to Python 3.9, its syntax and its library."""

from __future__ import annotations

import ast
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest

from tests.architecture.program import ROOT, TRAVELLING, files, module_name


def test_lower_floors_parse_as_python_3_9() -> None:
    for path in files(*TRAVELLING):
        ast.parse(path.read_text(encoding="utf-8"), filename=str(path), feature_version=(3, 9))


def test_lower_floors_import_in_a_bare_python_3_9() -> None:
    python = _python_3_9()
    if python is None:
        pytest.skip("no python3.9 on this machine")
    modules = [module_name(path) for path in files(*TRAVELLING)]
    program = (
        "import importlib, sys\n"
        "sys.path.insert(0, sys.argv[1])\n"
        "for name in sys.argv[2:]:\n"
        "    importlib.import_module(name)\n"
    )
    command = [python, "-I", "-S", "-B", "-c", program, str(ROOT), *modules]
    result = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    assert result.returncode == 0, result.stderr


@cache
def _python_3_9() -> str | None:
    """An executable that really is Python 3.9: a shim of a version manager may be there and refuse to run."""
    found = shutil.which("python3.9")
    candidates = [found] if found else []
    candidates += [str(path) for path in sorted(Path.home().glob(".pyenv/versions/3.9*/bin/python3.9"))]
    for candidate in candidates:
        command = [candidate, "-c", "import sys; print(sys.version_info[:2])"]
        result = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
        if result.stdout.strip() == "(3, 9)":
            return candidate
    return None
