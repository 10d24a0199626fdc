"""What a path that the user named leads to, asked in a process of its own: a dead file server keeps only that one.

The file is looked at without being opened (O_PATH, open(2)): a FIFO notices nothing.
"""

from __future__ import annotations

import errno
import json
import os
import select
import signal
import time
from typing import NoReturn

from ipcinspect.demo.process import DemoError
from ipcinspect.kernel.gate import between_borrows
from ipcinspect.kernel.libc import FileFacts, FileReader, die_with_parent

WITHIN_S = 3.0
_ENDS_WITHIN_S = 0.2
_MOST = 4096


def facts_of(path: str, within_s: float = WITHIN_S) -> FileFacts:
    """What is at a path. Raises OSError where the kernel refuses, DemoError where it does not answer in time."""
    receiving, sending = os.pipe2(os.O_CLOEXEC)
    try:
        with between_borrows():
            child = os.fork()
        if child == 0:
            _ask(path, sending)
        os.close(sending)
        try:
            return _facts(_received(receiving, path, within_s), path)
        finally:
            _let_go(child)
    finally:
        os.close(receiving)


def _ask(path: str, sending: int) -> NoReturn:
    """Never returns: whatever happens here ends the child alone."""
    try:
        die_with_parent()
        try:
            told: object = FileReader().of_open(os.open(path, os.O_PATH | os.O_CLOEXEC))
        except OSError as error:
            told = error.errno
        os.write(sending, json.dumps(told).encode())
    finally:
        os._exit(0)


def _received(receiving: int, path: str, within_s: float) -> bytes:
    asked = select.poll()
    asked.register(receiving, select.POLLIN)
    if not asked.poll(within_s * 1000):
        raise DemoError(f"{path}: no answer within {within_s:g} s: its file server may be gone")
    return os.read(receiving, _MOST)


def _facts(told: bytes, path: str) -> FileFacts:
    answer = json.loads(told or b"null")
    if isinstance(answer, list):
        return FileFacts(*answer)
    number = answer or errno.EIO
    raise OSError(number, os.strerror(number), path)


def _let_go(child: int) -> None:
    """Kill it and take its status; one that sleeps uninterruptibly is left to whoever inherits it."""
    os.kill(child, signal.SIGKILL)
    until = time.monotonic() + _ENDS_WITHIN_S
    while os.waitpid(child, os.WNOHANG) == (0, 0) and time.monotonic() < until:
        time.sleep(0.001)
