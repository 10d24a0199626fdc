"""What the runner and a demo process say to each other: one JSON object a line, a question and its answer in turn.

The connection is a socket pair on the process's standard input, so that nothing else it prints can get in between.
Its end is the order to end.
"""

from __future__ import annotations

import base64
import json
from typing import NamedTuple

OPEN, SEND, RECEIVE, CLOSE = "open", "send", "receive", "close"


class Task(NamedTuple):
    """The first line: what the process is."""

    runner_pid: int
    room: str
    """Import name of the mechanism's room."""
    import_path: tuple[str, ...]
    """The runner's `sys.path`, so that the process finds what the runner found."""
    args: tuple[str, ...]
    fds: tuple[int, ...]
    """The process has them under the same numbers."""


class Question(NamedTuple):
    """One thing to do."""

    call: str
    """OPEN, SEND, RECEIVE or CLOSE."""
    payload: bytes = b""
    size: int = 0


class Answer(NamedTuple):
    """What came of it."""

    payload: bytes = b""
    """What was received."""
    error: str | None = None
    """Where the kernel refused: the name of the errno (`EPIPE`)."""
    message: str | None = None
    """Words for the error; without `error`, a fault of the program."""


def write_task(task: Task) -> bytes:
    """As a line."""
    return _line(**task._asdict())


def read_task(line: bytes) -> Task:
    """From a line."""
    told = json.loads(line)
    return Task(told["runner_pid"], told["room"], tuple(told["import_path"]), tuple(told["args"]), tuple(told["fds"]))


def write_question(question: Question) -> bytes:
    """As a line."""
    return _line(call=question.call, payload=base64.b64encode(question.payload).decode(), size=question.size)


def read_question(line: bytes) -> Question:
    """From a line."""
    told = json.loads(line)
    return Question(told["call"], base64.b64decode(told["payload"]), told["size"])


def write_answer(answer: Answer) -> bytes:
    """As a line."""
    return _line(payload=base64.b64encode(answer.payload).decode(), error=answer.error, message=answer.message)


def read_answer(line: bytes) -> Answer:
    """From a line."""
    told = json.loads(line)
    return Answer(base64.b64decode(told["payload"]), told["error"], told["message"])


def _line(**told: object) -> bytes:
    return json.dumps(told).encode() + b"\n"
