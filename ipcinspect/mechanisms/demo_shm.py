"""An object in /dev/shm with a fresh name, as shm_open(3) and sem_open(3) make them: for demos."""

from __future__ import annotations

import os
from typing import NamedTuple

from ipcinspect.kernel import posix_semaphores
from ipcinspect.mechanisms.demo_part import Leaving, Making

_DIRECTORY = "/dev/shm"
"""Where shm_open(3) and sem_open(3) of the C library put their objects."""


def fresh_name(prefix: str) -> str:
    """A name that nobody else has."""
    return prefix + os.urandom(6).hex()


def create(making: Making, prefix: str) -> tuple[str, int]:
    """The path of a new object and a descriptor of it. Raises OSError."""
    path = f"{_DIRECTORY}/{fresh_name(prefix)}"
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    shown = (path, "O_RDWR|O_CREAT|O_EXCL", f"{making.mode:04o}")
    return path, making.calls("open", shown, lambda: os.open(path, flags, making.mode))


class NamedSemaphore(NamedTuple):
    """What was made."""

    name: str
    """As sem_open(3) takes it."""
    leaving: Leaving


def create_semaphore(making: Making, value: int) -> NamedSemaphore:
    """A semaphore with a fresh name, which the maker itself does not keep open. Raises OSError."""
    name = fresh_name("/ipcinspect-demo-")
    shown = (name, "O_CREAT|O_EXCL", f"{making.mode:04o}", value)
    address = making.calls("sem_open", shown, lambda: posix_semaphores.create(name, making.mode, value), hex)
    posix_semaphores.close(address)
    return NamedSemaphore(name, Leaving("path", f"{_DIRECTORY}/sem.{name[1:]}"))
