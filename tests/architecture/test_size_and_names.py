"""Files stay small enough to read at one sitting, and their names say what is in them."""

from __future__ import annotations

import ast
from pathlib import Path

from tests.architecture.program import PACKAGE, ROOT, files, tree

MOST_LINES = 400
MOST_LINES_OF_A_FUNCTION = 50
SAY_NOTHING = {"util", "utils", "helper", "helpers", "common", "manager", "managers", "misc", "stuff", "core"}

TEXTS = sorted(
    path
    for folder in (PACKAGE, ROOT / "tests", ROOT / "screenshots", ROOT / ".ci")
    for path in folder.rglob("*")
    if path.suffix in {".py", ".tcss", ".c", ".sh"} or path.name == "run"
)


def test_no_file_is_longer_than_400_lines() -> None:
    long = {path: lines for path in TEXTS if (lines := len(path.read_text(encoding="utf-8").splitlines())) > MOST_LINES}
    assert not long


def test_every_name_of_a_file_or_folder_says_something() -> None:
    silent = [
        path
        for path in TEXTS
        if SAY_NOTHING & {word for part in path.relative_to(ROOT).with_suffix("").parts for word in part.split("_")}
    ]
    assert not silent


def test_no_function_is_longer_than_a_page() -> None:
    long = [
        f"{path}:{node.lineno} {node.name} has {node.end_lineno - node.lineno + 1} lines"
        for path in files()
        for node in ast.walk(tree(path))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        and node.end_lineno is not None
        and node.end_lineno - node.lineno + 1 > MOST_LINES_OF_A_FUNCTION
    ]
    assert not long, "\n".join(long)


def test_every_file_says_in_a_docstring_what_it_is_for() -> None:
    assert not [path for path in files() if not ast.get_docstring(tree(path))]


def test_every_file_defers_its_annotations() -> None:
    assert not [
        path
        for path in files()
        if not any(isinstance(node, ast.ImportFrom) and node.module == "__future__" for node in tree(path).body)
    ]


def test_nothing_is_left_to_do_in_the_source() -> None:
    marks = ("TODO", "FIXME", "XXX", "HACK")
    left = [
        f"{path}:{number}"
        for path in TEXTS
        if path != Path(__file__).resolve()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if any(mark in line for mark in marks)
    ]
    assert not left, "\n".join(left)


def test_nothing_stands_at_the_top_beside_what_the_readme_explains() -> None:
    visible = {path.name for path in ROOT.iterdir() if not path.name.startswith(".")}
    known = {"ipcinspect", "tests", "screenshots", "README.md", "LICENSE", "pyproject.toml"}
    built = {"build", "dist", "ipcinspect.egg-info"}
    assert visible - built <= known
