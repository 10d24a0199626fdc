"""A chain leads from a thread to the root of its waiting, and is there before whoever pressed the key notices."""

from __future__ import annotations

from ipcinspect.diagnosis import chains
from ipcinspect.diagnosis.chains import chain
from ipcinspect.diagnosis.wait_graph import WaitGraph
from ipcinspect.model.wait import Awaited
from tests.diagnosis.builders import look, reads, thread, wait, writes
from tests.fakes import channel, endpoint, pipe, process

A, B, C = process(100, "a"), process(200, "b"), process(300, "c")
MANY = 10_000


def test_a_chain_goes_on_to_whoever_runs() -> None:
    forth, on = pipe(1, A, B, "full"), pipe(2, B, C, "full")
    graph = WaitGraph(look([forth, on], [writes(A, forth, 1), writes(B, on, 1)], others=[C]))
    found = chain(graph, thread(A), set())
    assert [hop.thread.process.pid for hop in found.hops] == [100, 200, 300]
    assert found.back_to is None
    assert found.why == "does not sleep in a call: it runs"


def test_a_chain_that_closes_tells_where() -> None:
    forth, back = pipe(1, A, B, "full"), pipe(2, B, A, "full")
    graph = WaitGraph(look([forth, back], [writes(A, forth, 1), writes(B, back, 1), reads(C, forth, 0)], [C]))
    assert chain(graph, thread(A), {thread(A), thread(B)}).back_to == 0


def test_of_thousands_of_things_that_are_polled_a_few_are_asked_after() -> None:
    """The screen follows a chain while a key waits: 10,000 of them took 0.8 seconds."""
    own = [channel(number, "pipe", "idle", [endpoint("b", "reader", A, number)]) for number in range(MANY)]
    polls = wait(thread(A), "poll", *(Awaited("data", one.key.number, one.key) for one in own), has_timeout=True)
    asked: list[Awaited] = []

    class Counting(WaitGraph):
        def _who(self, *args: object) -> object:  # type: ignore[override]
            asked.append(args[1])  # type: ignore[arg-type]
            return super()._who(*args)  # type: ignore[arg-type]

    found = chain(Counting(look(own, [polls])), thread(A), set())
    assert found.why == f"waits for any of {MANY} things"
    assert 0 < len(asked) <= chains._ASKED_AT_MOST
