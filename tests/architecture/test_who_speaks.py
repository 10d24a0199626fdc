"""One file writes standard output, one writes standard error; the screen below them writes through Textual."""

from __future__ import annotations

import ast

from tests.architecture.program import files, names_used, short, tree

SPEAKERS = {
    "sys.stdout": {"cli/output.py"},
    "sys.stderr": {"cli/complaints.py", "cli/options.py"},  # options only compares: argparse says where it would write
    "sys.__stdout__": {"cli/output.py", "tui/terminal.py"},  # the screen asks which of the two is the terminal
    "sys.__stderr__": {"cli/complaints.py", "tui/terminal.py"},
    "print": set[str](),
    "builtins.print": set[str](),
    "warnings.warn": set[str](),
}
RAW = {"os.write", "os.writev", "os.fdopen"}
OUTPUT = {"1": "cli/output.py", "2": "cli/complaints.py"}


def test_only_the_two_speakers_name_the_standard_streams() -> None:
    strangers = [
        use
        for path in files()
        for use in names_used(path)
        for name, allowed in SPEAKERS.items()
        if _is(use.name, name, use.file, allowed)
    ]
    assert not strangers, "\n".join(map(str, strangers))


def test_nobody_else_writes_to_descriptor_1_or_2() -> None:
    strangers = [
        f"{path}:{node.lineno}"
        for path in files()
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) in RAW
        and node.args
        and isinstance(node.args[0], ast.Constant)
        and OUTPUT.get(str(node.args[0].value), short(path)) != short(path)
    ]
    assert not strangers, "\n".join(strangers)


def _is(used: str, name: str, file: str, allowed: set[str]) -> bool:
    return (used == name or used.startswith(name + ".")) and file not in allowed
