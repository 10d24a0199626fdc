"""Imports go down the floors, and the rooms of the mechanisms do not know each other."""

from __future__ import annotations

import subprocess
import sys

from tests.architecture.program import PACKAGE, ROOT, TRAVELLING, files, imported_modules, module_name, rooms

MECHANISMS = PACKAGE / "mechanisms"


def test_every_import_contract_is_kept() -> None:
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()", "--no-cache"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def test_no_room_imports_another_room_and_what_they_share_imports_none() -> None:
    strangers = [
        use
        for path in files("mechanisms")
        for use in imported_modules(path)
        for room in rooms()
        if _within(use.name, room) and not _within(module_name(path), room) and path != MECHANISMS / "__init__.py"
    ]
    assert not strangers, "\n".join(map(str, strangers))


def test_the_lower_floors_import_the_standard_library_alone() -> None:
    allowed = {"ipcinspect", *sys.stdlib_module_names}
    foreign = [
        use
        for path in files(*TRAVELLING, "demo")
        for use in imported_modules(path)
        if use.name.partition(".")[0] not in allowed
    ]
    assert not foreign, "\n".join(map(str, foreign))


def _within(module: str, room: str) -> bool:
    return module == room or module.startswith(room + ".")
