"""What the runner, the keeper and the two halves of a demo say to each other: one JSON object a line.

A connection is a socket pair on the process's standard input, so that nothing else it prints can get in between. Over
it come questions; back go reports of calls as they happen, and an answer to each question in turn. Its end is the
order to end.
"""

from __future__ import annotations

import base64
import json
from typing import Any, NamedTuple

from ipcinspect.mechanisms.demo_part import Leaving, Report, Terms

OPEN, PREPARE, SEND, WAIT, RECEIVE, DECODE, CLOSE = "open", "prepare", "send", "wait", "receive", "decode", "close"
ANSWER, TAKE_ANSWER = "answer", "take answer"
FILL, HOLD = "fill", "hold"
PLAY = "play"


class Joins(NamedTuple):
    """What halves are put on, where the object is there already: nothing is made, nothing is removed."""

    roles: tuple[str, ...]
    """Of `sender` and `receiver`, the halves that are wanted."""
    sender_args: tuple[str, ...]
    receiver_args: tuple[str, ...]
    most_bytes: int | None
    limit_told_by: str | None


class Task(NamedTuple):
    """The first line that the keeper gets: what to make."""

    runner_pid: int
    room: str
    """Import name of the mechanism's room."""
    variant: str
    import_path: tuple[str, ...]
    """The runner's `sys.path`, so that the processes find what the runner found."""
    below: str | None
    """Where the directory for names is made; None: the system's place for temporary files."""
    terms: Terms
    format: str
    byte_order: str
    notification: str
    second: bool
    """Whether answers have a channel of their own."""
    reading_s: float
    proc: str
    """Where /proc is."""
    fault: str | None = None
    """What shall go wrong, one of `plan.FAULTS`; the processes have a part in some."""
    joins: Joins | None = None
    """What to use in place of making something."""


class Given(NamedTuple):
    """What the two processes were given of one channel; descriptors have the same numbers in the maker."""

    sender_args: tuple[str, ...]
    sender_fds: tuple[int, ...]
    receiver_args: tuple[str, ...]
    receiver_fds: tuple[int, ...]
    files: tuple[tuple[int, int], ...] = ()
    """(device, inode) of what was made, as far as it has them: what tells it from all else."""


class Left(NamedTuple):
    """What would stay in the system if the keeper were killed now; told as soon as it is there."""

    directory: str
    leaves: tuple[Leaving, ...] = ()


class Made(NamedTuple):
    """What the keeper answers when both halves are there."""

    sender_pid: int
    receiver_pid: int
    """0 for a half that is not wanted; likewise the sender's."""
    leaves: tuple[Leaving, ...]
    forth: Given
    back: Given | None
    """Of the channel for answers, where that is another: there the sender has the receiver's part."""
    most_bytes: int | None
    limit_told_by: str | None


class Question(NamedTuple):
    """One thing to do."""

    call: str
    """`OPEN`, `SEND`, ..."""
    payload: bytes = b""
    size: int = 0
    value: object = None
    """What to serialise, as `formats.to_plain` writes it; of `PLAY`, a `play.Batch`."""


class Answer(NamedTuple):
    """What came of a question."""

    payload: bytes = b""
    error: str | None = None
    """Where the kernel refused: the name of the errno (`EPIPE`)."""
    message: str | None = None
    """Words for the error; without `error`, a fault of the program or of what it was given."""
    value: Any = None


def write_task(task: Task) -> bytes:
    """As a line."""
    return _line(**task._asdict())


def read_task(line: bytes) -> Task:
    """From a line."""
    told = json.loads(line)
    told["import_path"] = tuple(told["import_path"])
    if told["joins"] is not None:
        roles, sender_args, receiver_args, *limit = told["joins"]
        told["joins"] = Joins(tuple(roles), tuple(sender_args), tuple(receiver_args), *limit)
    return Task(**{**told, "terms": Terms(*told["terms"])})


def read_made(told: Any) -> Made:
    """From the value of an answer."""
    made = Made(*told)
    leaves = tuple(Leaving(*leaving) for leaving in made.leaves)
    back = None if made.back is None else _given(made.back)
    return made._replace(leaves=leaves, forth=_given(made.forth), back=back)


def _given(told: Any) -> Given:
    sender_args, sender_fds, receiver_args, receiver_fds, files = told
    places = tuple((device, inode) for device, inode in files)
    return Given(tuple(sender_args), tuple(sender_fds), tuple(receiver_args), tuple(receiver_fds), places)


def write_question(question: Question) -> bytes:
    """As a line."""
    return _line(**{**question._asdict(), "payload": base64.b64encode(question.payload).decode()})


def read_question(line: bytes) -> Question:
    """From a line."""
    told = json.loads(line)
    return Question(**{**told, "payload": base64.b64decode(told["payload"])})


def write_answer(answer: Answer) -> bytes:
    """As a line."""
    return _line(answer={**answer._asdict(), "payload": base64.b64encode(answer.payload).decode()})


def write_report(report: Report) -> bytes:
    """As a line."""
    return _line(report=report)


def write_left(left: Left) -> bytes:
    """As a line."""
    return _line(left=left)


def read_line(line: bytes) -> Report | Left | Answer:
    """What a process says: how a call of its stands, what it would leave behind, or what came of a question."""
    told = json.loads(line)
    if "left" in told:
        directory, leaves = told["left"]
        return Left(directory, tuple(Leaving(*leaving) for leaving in leaves))
    if "report" in told:
        report = Report(*told["report"])
        return report._replace(args=tuple(report.args))
    answer = told["answer"]
    return Answer(**{**answer, "payload": base64.b64decode(answer["payload"])})


def _line(**told: object) -> bytes:
    return json.dumps(told).encode() + b"\n"
