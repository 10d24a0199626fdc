"""The words in which waits are told. Names in them are kernel text: exact, and hostile until made visible."""

from __future__ import annotations

from collections.abc import Sequence

from ipcinspect.diagnosis.wait_graph import Helpers, WaitGraph
from ipcinspect.model.channel import Channel
from ipcinspect.model.figures import age, size
from ipcinspect.model.process import ProcessKey
from ipcinspect.model.snapshot import Snapshot
from ipcinspect.model.wait import Awaited, ThreadKey, Wait

_NAMED = 2


def who(thread: ThreadKey, snapshot: Snapshot) -> str:
    """`make 2211`; `nginx 4402 (thread 4410)` for another thread than the first."""
    name = process_name(thread.process, snapshot)
    return name if thread.tid == thread.process.pid else f"{name} (thread {thread.tid})"


def process_name(key: ProcessKey, snapshot: Snapshot) -> str:
    """`make 2211`."""
    if key == snapshot.host.observer:
        return f"this ipcinspect {key.pid}"
    process = snapshot.processes.get(key.pid)
    return f"{process.comm} {key.pid}" if process is not None and process.key == key else f"process {key.pid}"


def does(wait: Wait, graph: WaitGraph) -> str:
    """What the thread is at: `writes to pipe:[48213], which is full with 64.0K of 64.0K`."""
    if not wait.awaited:
        return f"sleeps in {wait.told}"
    first = [_does(wait, awaited, graph) for awaited in wait.awaited[:_NAMED]]
    more = len(wait.awaited) - len(first)
    told = " or ".join(dict.fromkeys(first))
    return f"{told} or for {more} more" if more > 0 else told


def _does(wait: Wait, awaited: Awaited, graph: WaitGraph) -> str:
    channel = graph.channel(awaited)
    name = place(awaited, channel)
    if awaited.what == "data":
        return f"reads from {name}, {empty(channel)}" if wait.call in _READS else f"waits for something in {name}"
    if awaited.what == "room":
        return f"writes to {name}, which is {_full(channel)}"
    if awaited.what in ("child", "thread"):
        return _for_end(awaited, graph)
    words = _OTHERS[awaited.what] if name or awaited.what not in _NAMELESS else _NAMELESS[awaited.what]
    return words.format(name=name or "something", how=awaited.how or "lock")


_READS = frozenset(("read", "readv", "recvfrom", "recvmsg", "recvmmsg", "msgrcv", "mq_timedreceive", "preadv2"))
_NAMELESS = {
    "wake": "waits until another thread wakes it",
    "lock": "wants a {how}",
    "partner": "waits until somebody opens {how}",
    "unknown": "waits for something that is not known here",
}
"""Where it is no channel that has a name."""
_OTHERS = {
    "client": "waits for a client at {name}",
    "partner": "waits for the other end of {name}",
    "lock": "wants the {how} {name}",
    "count": "waits for {name}",
    "wake": "waits to be woken at {name}",
    "signal": "waits for a signal",
    "unknown": "waits for {name}",
}


def _for_end(awaited: Awaited, graph: WaitGraph) -> str:
    if awaited.what == "thread" and awaited.owner is not None:
        return f"waits for its thread {awaited.owner.tid} to end"
    children = [process_name(key, graph.snapshot) for key in awaited.processes or ()]
    return f"waits for its child {some(children)} to end" if children else "waits for a child to end"


def place(awaited: Awaited, channel: Channel | None) -> str:
    """`pipe:[48213]`, `/run/app.sock`, `semaphore 1 of sysv-sem:66042`, `descriptor 5`."""
    if channel is None:
        return "" if awaited.fd is None else f"descriptor {awaited.fd}"
    name = channel.name if channel.name and channel.mechanism in ("fifo", "pty", "unix") else channel.id
    return name if awaited.part is None else f"semaphore {awaited.part} of {name}"


def empty(channel: Channel | None) -> str:
    """How a reader finds a channel."""
    waiting = None if channel is None else channel.queued_bytes
    return "which is empty" if waiting == 0 else "which has nothing for it"


def _full(channel: Channel | None) -> str:
    waiting = None if channel is None else channel.queued_bytes
    if channel is None or waiting is None:
        return "full"
    capacity = channel.capacity_bytes
    return f"full with {size(waiting)}" + ("" if capacity is None else f" of {size(capacity)}")


def until(awaited: Awaited, helpers: Helpers, graph: WaitGraph) -> str:
    """Who would have to do what: `until tee 2212 reads`."""
    names = [process_name(key, graph.snapshot) for key in helpers.processes]
    names += [who(key, graph.snapshot) for key in helpers.threads]
    if not names:
        return f"until somebody {_ACTS[awaited.what]}: {helpers.unknown or 'nobody is left to'}"
    return f"until {some(names, 'or')} {_ACTS[awaited.what]}"


_ACTS = {
    "data": "writes or closes its end",
    "room": "reads",
    "client": "connects",
    "partner": "takes the other end",
    "lock": "gives it back",
    "count": "changes it",
    "wake": "wakes it",
    "child": "ends",
    "thread": "ends",
    "signal": "sends a signal",
    "unknown": "does something",
}


def lasted(since: float | None, now: float) -> str:
    """`for 2m10 at least`; empty where that is not known, or next to nothing."""
    return "" if since is None or now - since < 1 else f"for {age(now - since)} at least"


def do(names: Sequence[str]) -> str:
    """`does` after one name, `do` after several."""
    return "does" if len(names) == 1 else "do"


def some(names: Sequence[str], word: str = "and") -> str:
    """`a`, `a and b`, `a, b and 3 more`."""
    if len(names) <= 1:
        return "".join(names)
    if len(names) <= _NAMED:
        return f" {word} ".join(names)
    return f"{', '.join(names[:_NAMED])} {word} {len(names) - _NAMED} more"
