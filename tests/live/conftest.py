"""What the tests against the running kernel share."""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.live.subjects import Subject

Start = Callable[..., Subject]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts subjects; all of them are gone after the test, whatever happened."""
    started: list[Subject] = []

    def starting(code: str, *args: object, **options: object) -> Subject:
        subject = Subject(code, *args, **options)  # type: ignore[arg-type]
        started.append(subject)
        return subject

    yield starting
    for subject in reversed(started):
        subject.end()


@pytest.fixture
def directory() -> Iterator[Path]:
    """A directory with a short name (the path of a unix socket holds 107 bytes), open to every user."""
    path = Path(tempfile.mkdtemp(prefix="ipci-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def shm_name() -> Iterator[str]:
    """Of an object that nobody else has; gone after the test, with the semaphore of that name."""
    chosen = f"ipci-{secrets.token_hex(6)}"
    yield chosen
    for path in (Path("/dev/shm", chosen), Path("/dev/shm", f"sem.{chosen}")):
        path.unlink(missing_ok=True)


@pytest.fixture(scope="session")
def root() -> None:
    """Only for root: namespaces, mounts and other users' processes are needed."""
    if os.geteuid() != 0:
        pytest.skip("needs root: sudo")
