"""The program's source as data: its files, and the names that each of them uses."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "ipcinspect"

TRAVELLING = ("__init__.py", "model", "kernel", "mechanisms", "collector.py")
"""What may later run on a remote host that has nothing but Python 3.9."""


class Use(NamedTuple):
    """One place where a file uses a name."""

    file: str
    """Relative to the package: `kernel/borrow.py`."""
    line: int
    name: str
    """The full dotted name, whatever it was imported as: `os.stat`."""

    def __str__(self) -> str:
        """As an editor can jump to it."""
        return f"ipcinspect/{self.file}:{self.line} {self.name}"


def files(*parts: str) -> list[Path]:
    """The Python files of the package, or those of some floors (`kernel`, `collector.py`), in order."""
    found: set[Path] = set()
    for part in parts or ("",):
        path = PACKAGE / part
        found.update([path] if path.is_file() else path.rglob("*.py"))
    return sorted(found)


def short(path: Path) -> str:
    """The name of a file relative to the package."""
    return path.relative_to(PACKAGE).as_posix()


@cache
def tree(path: Path) -> ast.Module:
    """The parsed file."""
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def module_name(path: Path) -> str:
    """The import name of a file."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def rooms() -> list[str]:
    """The import names of the mechanism rooms, registered or not: files and folders there that have a NAME."""
    places = [path / "__init__.py" if path.is_dir() else path for path in (PACKAGE / "mechanisms").iterdir()]
    return sorted(module_name(path) for path in places if path.suffix == ".py" and path.exists() and _has_name(path))


def _has_name(path: Path) -> bool:
    for statement in tree(path).body:
        if isinstance(statement, ast.Assign) and any(ast.unparse(target) == "NAME" for target in statement.targets):
            return True
        if isinstance(statement, ast.ImportFrom) and any(alias.name == "NAME" for alias in statement.names):
            return True
    return False


@cache
def names_used(path: Path) -> tuple[Use, ...]:
    """Every dotted name that the file refers to, called or not, with imports resolved.

    A reference counts like a call: `readlink = os.readlink` gives the thing away just the same.
    """
    return tuple(_names_used(path))


def _names_used(path: Path) -> Iterator[Use]:
    module = tree(path)
    known = _imported_names(module)
    inner: set[ast.expr] = set()
    for node in ast.walk(module):
        if node in inner or not isinstance(node, (ast.Attribute, ast.Name)):
            continue
        if isinstance(node, ast.Attribute):
            inner.add(node.value)
        dotted = _dotted(node)
        if dotted is not None:
            first, _, rest = dotted.partition(".")
            full = known.get(first, first)
            yield Use(short(path), node.lineno, f"{full}.{rest}" if rest else full)
        elif isinstance(node, ast.Attribute):
            yield Use(short(path), node.lineno, f"?.{node.attr}")


def imported_modules(path: Path) -> Iterator[Use]:
    """The modules that the file imports anywhere, also inside functions."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (Use(short(path), node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: imports say the whole name"
            yield Use(short(path), node.lineno, node.module or "")


@cache
def texts(path: Path) -> tuple[Use, ...]:
    """Every string of the file that is no docstring; `name` is the string."""
    return tuple(_texts(path))


def _texts(path: Path) -> Iterator[Use]:
    module = tree(path)
    docstrings = {
        id(statement.value)
        for node in ast.walk(module)
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef))
        for statement in node.body
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    }
    for node in ast.walk(module):
        if isinstance(node, ast.Constant) and isinstance(node.value, (str, bytes)) and id(node) not in docstrings:
            value = node.value if isinstance(node.value, str) else node.value.decode("latin-1")
            yield Use(short(path), node.lineno, value)


def _imported_names(module: ast.Module) -> dict[str, str]:
    known: dict[str, str] = {}
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            for alias in node.names:
                first = alias.name.partition(".")[0]
                known[alias.asname or first] = alias.name if alias.asname else first
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                known[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    return known


def _dotted(node: ast.expr) -> str | None:
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return None
    return ".".join(reversed([*parts, node.id]))
