"""A new reader of kernel text cannot be forgotten: each one stands in the fuzz tests."""

from __future__ import annotations

import ast
from pathlib import Path

from tests.architecture.program import files, tree

HERE = Path(__file__).parent
FUZZED_IN = sorted((*HERE.glob("test_parsers*.py"), *HERE.glob("*_samples.py")))
"""The fuzz tests, and the tables of samples that they take in."""


def test_every_parser_of_the_kernel_floor_is_in_the_fuzz_tests() -> None:
    parsers = {
        f"{path.stem}.{node.name}"
        for path in files("kernel")
        for node in tree(path).body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("parse")
    }
    assert len(parsers) > 15
    used = {
        f"{node.value.id}.{node.attr}"
        for path in FUZZED_IN
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
    }
    assert not parsers - used
