"""The /proc root, the clock and the environment are arguments: a test, a recording or another host gives others."""

from __future__ import annotations

import re

from tests.architecture.program import Use, files, names_used, short, texts

BELOW_CLI = [path for path in files() if not short(path).startswith("cli/") and short(path) != "__main__.py"]

CLOCKS = {"time.time", "time.time_ns", "datetime.datetime.now", "datetime.datetime.utcnow", "datetime.date.today"}
ENVIRONMENT = {"os.environ", "os.environb", "os.getenv", "os.getenvb"}
PROC = re.compile(r"/proc(/\S*)?\Z")
"""The root as a path in the source; a sentence that mentions it has blanks."""

PRODUCTION = {
    "sources/live.py": "the one place where this machine's own /proc and clock are chosen",
}


def test_only_the_live_source_knows_where_proc_is() -> None:
    found = [use for path in BELOW_CLI for use in texts(path) if PROC.match(use.name)]
    assert not _strangers(found), "\n".join(map(str, found))


def test_only_the_live_source_reads_the_wall_clock() -> None:
    found = [use for path in BELOW_CLI for use in names_used(path) if use.name in CLOCKS]
    assert not _strangers(found), "\n".join(map(str, found))


def test_nothing_below_the_command_line_reads_the_environment() -> None:
    found = [
        use
        for path in BELOW_CLI
        for use in names_used(path)
        for name in ENVIRONMENT
        if use.name == name or use.name.startswith(name + ".")
    ]
    assert not found, "\n".join(map(str, found))


def _strangers(found: list[Use]) -> list[Use]:
    return [use for use in found if use.file not in PRODUCTION]
