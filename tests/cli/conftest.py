"""What the tests of the command line share."""

from __future__ import annotations

import pytest

from tests.cli.running import Runner


@pytest.fixture
def run_with(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Runner:
    """Runs commands on a fake machine, in an environment without settings."""
    for name in ("XDG_CONFIG_HOME", "NO_COLOR", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", "/nonexistent")
    return Runner(capfd)
