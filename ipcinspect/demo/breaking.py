"""Starts a broken scenario, and ends it without leaving anything."""

from __future__ import annotations

import atexit
import json
import socket
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

from ipcinspect.demo.broken.scenario import Scenario, clean_up
from ipcinspect.demo.process import DemoError
from ipcinspect.kernel.gate import between_borrows

_FROM = Path(__file__).parents[2]
_STARTS_WITHIN_S = 10.0
_ENDS_WITHIN_S = 3.0


class Broken:
    """A scenario whose processes run; `end` or the end of the `with` block ends them."""

    pid: int
    """Of its first process."""

    def __init__(self, scenario: Scenario) -> None:
        """Start it. Raises DemoError, OSError."""
        self.scenario = scenario
        self.directory: str | None = None
        """Of the names that it makes; gone with it."""
        self._connection, theirs = socket.socketpair()
        try:
            with theirs, between_borrows():
                self._process = subprocess.Popen(
                    [sys.executable, "-m", "ipcinspect.demo.broken", scenario.word],
                    stdin=theirs.fileno(),
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    cwd=_FROM,
                    start_new_session=True,  # ctrl-C is for us, who then end it in order
                )
        except OSError:
            self._connection.close()
            raise
        atexit.register(self.end)
        try:
            self.pid = self._hear()
        except BaseException:
            self.end()
            raise

    @property
    def keeper_pid(self) -> int:
        """Of the process that started it and cleans up."""
        return self._process.pid

    def end(self) -> None:
        """End all of its processes and remove what they made. Safe to call twice."""
        atexit.unregister(self.end)
        self._connection.close()
        try:
            self._process.wait(_ENDS_WITHIN_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self.directory is not None:
            clean_up(self.directory)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    def _hear(self) -> int:
        self._connection.settimeout(_STARTS_WITHIN_S)
        try:
            with self._connection.makefile("rb") as lines:
                line = lines.readline()
        except TimeoutError as error:
            raise DemoError(f"the processes of '{self.scenario.word}' did not start in time") from error
        if not line:
            raise DemoError(f"the processes of '{self.scenario.word}' did not start")
        told = json.loads(line)
        self.directory = told["directory"]
        return int(told["pid"])
