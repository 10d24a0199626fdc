"""A walk of a demo that was written down: what the Demo screen shows, with no process and no clock in it."""

from __future__ import annotations

from collections.abc import Iterator

from ipcinspect.demo.plan import Plan
from ipcinspect.demo.telling import Cast, Evidence, Told
from ipcinspect.mechanisms.demo_part import Report
from ipcinspect.tui.walker import Script
from tests.fakes import channel, endpoint, process, snapshot

SIZE = 512
PIPE = Plan("pipe", size=SIZE)
CAST = Cast(7000, 7001, 7002)
_SENDER, _RECEIVER = process(7001, "demo-sender"), process(7002, "demo-receiver")
_ENDS = (endpoint("a", "writer", _SENDER, 4, 61200), endpoint("b", "reader", _RECEIVER, 3, 61200))
_FREE, _WHOLE = "pipe:[61200]", "held by demo-sender 7001/4 and demo-receiver 7002/3"
EPIPE = (
    "EPIPE, Broken pipe; SIGPIPE came with it, which this process ignores: call 1 after the receiver's death tells the "
    "sender that nobody is left to read"
)


def payloads() -> tuple[bytes, ...]:
    """Four messages as they are sent."""
    texts = (f'{{"number":{n},"text":"message {n} of 4","padding":"' for n in range(1, 5))
    return tuple((text + "." * (SIZE - len(text) - 2) + '"}').encode() for text in texts)


def look(state: str, queued: int, ends: int = 2) -> Evidence:
    """The pipe as it is seen with its first ends, or the last one where only the receiver is left."""
    kept = _ENDS[:ends] if ends >= 0 else _ENDS[ends:]
    held = {2: _WHOLE, 1: "held by demo-sender 7001/4", -1: "held by demo-receiver 7002/3"}[ends]
    one = channel(61200, "pipe", state, kept, queued=queued)
    return Evidence(snapshot([one]), one, None, f"{_FREE} {state}, {queued} of 65536 bytes queued, {held}")


def call(
    stage: str, side: str, at_s: float, name: str, args: tuple[str, ...], result: str | None, **more: object
) -> Told:
    """A line about a call that came back at once; without a result it sleeps."""
    took = None if result is None else 0.00004
    return Told(stage, side, at_s, Report(name, args, at_s, took, result))._replace(**more)  # type: ignore[arg-type]


def walk(plan: Plan) -> list[Told]:
    """All lines of a walk over a pipe; the fault that is known here is `receiver-killed`."""
    return [*_made(), *_prepared(), *(_killed() if plan.fault else _sent()), *_ended(bool(plan.fault))]


def _made() -> list[Told]:
    return [
        call("creation", "maker", 0.0501, "pipe2", ("0",), "[3, 4]"),
        call("creation", "maker", 0.0502, "fork", (), "7001, the sender"),
        call("creation", "maker", 0.0505, "fork", (), "7002, the receiver"),
        Told("creation", None, 0.061, says="demo-sender 7001 was given descriptor 4", evidence=look("idle", 0)),
    ]


def _prepared() -> list[Told]:
    texts = [f'number {n}, text "message {n} of 4"' for n in range(1, 5)]
    dumps = [
        call("preparation", "a", 0.08 + place / 1e4, "json.dumps", (text,), f"{SIZE} bytes")
        for place, text in enumerate(texts)
    ]
    return [*dumps, Told("preparation", "a", 0.082, says="4 messages are ready, 2048 bytes in all")]


def _sent() -> list[Told]:
    write = ("4", f"{SIZE} bytes")
    told = "the sender sent 4 x 512 = 2048 bytes, the receiver, who was asleep in its call, took the first at once"
    lines = [
        Told("transmission", None, 0.1, says="before the first message", evidence=look("idle", 0)),
        call("transmission", "b", 0.112, "read", ("3", f"{SIZE}"), None),
    ]
    for n in range(1, 5):
        lines.append(call("transmission", "a", 0.12 + n / 1e3, "write", write, f"{SIZE}", sent=n, taken=1))
        lines.append(
            Told("transmission", None, 0.1205 + n / 1e3, evidence=look("filling", (n - 1) * SIZE), sent=n, taken=1)
        )
    lines[-1] = lines[-1]._replace(says=told)
    woken = Report("read", ("3", f"{SIZE}"), 0.112, 0.0092, f"{SIZE} bytes")
    lines.append(Told("delivery", "b", 0.112, woken, sent=4, taken=1))
    lines.append(_says("delivery", "b", 0.13, "the receiver slept in read until the first message woke it", 1))
    lines += [
        call("reception", "b", 0.14 + n / 1e3, "read", ("3", f"{SIZE}"), f"{SIZE} bytes", sent=4, taken=n)
        for n in range(2, 5)
    ]
    lines.append(_says("reception", "b", 0.15, '512 bytes decoded: number 4, text "message 4 of 4"', 4))
    lines.append(call("response", "b", 0.16, "write", ("6", f"{SIZE} bytes"), f"{SIZE}", sent=4, taken=4))
    lines.append(call("response", "a", 0.1601, "read", ("5", f"{SIZE}"), f"{SIZE} bytes", sent=4, taken=4))
    lines.append(_says("response", "a", 0.17, "the receiver answered through a second pipe", 4))
    return lines


def _says(stage: str, side: str, at_s: float, sentence: str, taken: int) -> Told:
    evidence = look("holding" if taken < 4 else "idle", (4 - taken) * SIZE)
    return Told(stage, side, at_s, says=sentence, evidence=evidence, sent=4, taken=taken)


def _killed() -> list[Told]:
    write = ("4", f"{SIZE} bytes")
    refused = Report("write", write, 0.14, 0.00004, None, "EPIPE", "Broken pipe")
    dead = look("no-reader", SIZE, 1)
    lines = [
        call("transmission", "a", 0.12, "write", write, f"{SIZE}"),
        Told(
            "transmission", None, 0.121, says="one message is sent, nobody has read it", evidence=look("filling", SIZE)
        ),
        Told("transmission", None, 0.13, says="demo-receiver 7002 is killed by SIGKILL", evidence=dead, killed=("b",)),
        Told("transmission", "a", 0.14, refused, killed=("b",)),
        Told("transmission", None, 0.15, says=EPIPE, evidence=dead, fault=True, killed=("b",)),
    ]
    return [told._replace(sent=1) for told in lines]


def _ended(is_killed: bool) -> list[Told]:
    gone = Evidence(snapshot(), None, None, f"no channel {_FREE}")
    counts: dict[str, object] = {"sent": 1, "killed": ("b",)} if is_killed else {"sent": 4, "taken": 4}
    lines = [call("termination", "a", 0.18, "close", ("4",), "0")]
    if not is_killed:
        left = look("no-writer", 0, -1)
        lines.append(Told("termination", None, 0.181, says="the sender has let go", evidence=left))
        lines.append(call("termination", "b", 0.19, "close", ("3",), "0"))
    says = f"nothing is left: no channel {_FREE}, no process 7001 or 7002"
    lines.append(Told("termination", None, 0.2, says=says, evidence=gone))
    return [told._replace(**counts) for told in lines]  # type: ignore[arg-type]


class FrozenWalk:
    """Tells it line by line."""

    cast: Cast | None = CAST

    def __init__(self, plan: Plan) -> None:
        self.payloads = payloads()
        self._lines = walk(plan)

    def __next__(self) -> Told:
        if not self._lines:
            raise StopIteration
        return self._lines.pop(0)

    def rest_of_stage(self) -> Iterator[Told]:
        """All of the stage where it stands."""
        stage = self._lines[0].stage if self._lines else ""
        while self._lines and self._lines[0].stage == stage:
            yield self._lines.pop(0)

    def close(self) -> None:
        """There is nothing to end."""


def begin_frozen(plan: Plan) -> Script:
    """For `ScreenOptions.begin_demo`."""
    return FrozenWalk(plan)
