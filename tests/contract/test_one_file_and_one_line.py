"""A new mechanism is one new file and one line: added to a copy of the program, it is known everywhere at once."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
SAMPLE = HERE / "memfd_sample.py"

SHOW = """
import json, subprocess, sys
from ipcinspect.demo import DemoPair
from ipcinspect.mechanisms import fields_of, memfd
with DemoPair.start(memfd) as pair:
    pair.open()
    command = [sys.executable, "-m", "ipcinspect", "list", "kind:memfd", f"pid:{pair.sender_pid}"]
    text = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    document = subprocess.run([*command, "--json"], stdout=subprocess.PIPE, text=True, check=True).stdout
print(json.dumps([text, json.loads(document), [field.name for field in fields_of("memfd")]]))
"""


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The program and its contract, with the sample in place of its own room of memory files.

    One file, one line, and the import that the line needs.
    """
    for name in ("ipcinspect", "tests/contract"):
        shutil.copytree(ROOT / name, tmp_path / name)
    for name in ("pyproject.toml", "tests/__init__.py", "tests/fakes.py"):
        shutil.copy(ROOT / name, tmp_path / name)
    register = tmp_path / "ipcinspect" / "mechanisms" / "__init__.py"
    text, real = register.read_text(), tmp_path / "ipcinspect" / "mechanisms" / "memfd.py"
    real.unlink()
    without = text.replace("    memfd,\n", "")
    assert (text.count("memfd"), without.count("memfd")) == (2, 0), "the room of the program is out of the copy"
    shutil.copy(SAMPLE, real)
    changed = without.replace("    mmap,\n", "    mmap,\n    memfd,\n")
    assert changed.count("memfd") == 2
    register.write_text(changed)
    return tmp_path


def test_the_contract_covers_it(copy: Path) -> None:
    told = run(copy, "-m", "pytest", "-n0", "-q", "-p", "no:cacheprovider", "tests/contract", "-k", "memfd-memfd")
    assert "2 passed" in told


def test_the_list_the_document_and_the_fields_know_it(copy: Path) -> None:
    text, document, fields = json.loads(run(copy, "-c", SHOW))
    assert "ipcinspect-demo" in text
    (channel,) = document["channels"]
    assert channel["mechanism"] == "memfd"
    assert channel["fields"] == {"label": "ipcinspect-demo", "mappings": 2}
    assert [end["comm"] for end in channel["endpoints"]] == ["demo-sender", "demo-receiver"]
    assert fields == ["label", "mappings"]


def run(copy: Path, *command: str) -> str:
    """What Python says in the copy, where the copy's package is the first that is found."""
    result = subprocess.run(
        [sys.executable, *command], cwd=copy, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout
