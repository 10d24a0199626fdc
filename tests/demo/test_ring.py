"""The ring of messages in a demo's shared memory: in order, bounded, and not led astray by what another wrote there."""

from __future__ import annotations

import errno
import mmap
import os
import signal
import time
from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipcinspect.mechanisms import demo_ring
from ipcinspect.mechanisms.demo_part import Terms
from ipcinspect.mechanisms.demo_ring import HEADER, LONGEST, MOST, STORED, TAKEN, Ring, bytes_for, fits_into, places_for

SIZE = 1024


def both(places: int, memory: memoryview | None = None) -> tuple[Ring, Ring]:
    """The sender's view and the receiver's."""
    memory = memoryview(bytearray(SIZE)) if memory is None else memory
    return Ring(memory, places), Ring(memory, places)


@given(st.integers(1, 6), st.lists(st.one_of(st.binary(max_size=100), st.none())))
def test_what_goes_in_comes_out_in_order_however_often_it_wraps(places: int, steps: list[bytes | None]) -> None:
    """Bytes are stored, None takes."""
    sender, receiver = both(places)
    waiting: deque[bytes] = deque()
    for payload in steps:
        assert sender.has_room() == (len(waiting) < places)
        assert receiver.has_message() == bool(waiting)
        if payload is None and waiting:
            assert receiver.take(1000) == waiting.popleft()
        elif payload is not None and sender.has_room():
            sender.put(payload)
            waiting.append(payload)


@pytest.mark.parametrize("keeps_order", [True, False])
def test_two_processes_without_a_lock_see_whole_messages(keeps_order: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo_ring, "_KEEPS_ORDER", keeps_order)
    sender, receiver = both(3, memoryview(mmap.mmap(-1, SIZE)))
    count = 20_000
    pid = os.fork()
    if pid == 0:
        try:
            for number in range(count):
                while not sender.has_room():
                    os.sched_yield()
                sender.put(number.to_bytes(4, "big") * 50)
        finally:
            os._exit(0)
    try:
        for number in range(count):
            deadline = time.monotonic() + 10
            while not receiver.has_message():
                assert time.monotonic() < deadline
                os.sched_yield()
            assert receiver.take(200) == number.to_bytes(4, "big") * 50
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


@given(st.binary(min_size=SIZE, max_size=SIZE), st.integers(1, 20), st.integers(0, 2000))
def test_hostile_memory_is_an_error_or_bytes_and_never_a_crash(hostile: bytes, places: int, size: int) -> None:
    memory = memoryview(bytearray(hostile))
    sender, receiver = both(places, memory)
    for act in (sender.has_room, receiver.has_message, lambda: receiver.take(size)):
        try:
            answer = act()
        except OSError as error:
            assert error.errno == errno.EBADMSG  # noqa: PT017 (such bytes may also do no harm)
        else:
            assert isinstance(answer, bool) or len(answer) <= min(size, SIZE)


@given(st.integers(0, 3), st.binary(min_size=SIZE, max_size=SIZE), st.integers(1, 3), st.integers(0, 2000))
def test_hostile_places_behind_a_plausible_counter_are_refused_or_bytes(
    stored: int, hostile: bytes, places: int, size: int
) -> None:
    memory = memoryview(bytearray(hostile))
    memory[STORED : STORED + 8].cast("Q")[0] = stored
    receiver = Ring(memory, places)
    try:
        taken = receiver.take(size)
    except OSError as error:
        assert error.errno == errno.EBADMSG  # noqa: PT017 (as above)
    else:
        assert 0 < stored <= places
        assert len(taken) <= min(size, SIZE // places)


@given(st.integers(0, 3), st.integers(0, 2**64 - 1))
def test_a_counter_that_cannot_be_true_is_refused(stored: int, hostile: int) -> None:
    memory = memoryview(bytearray(SIZE))
    sender, receiver = both(3, memory)
    for _ in range(stored):
        sender.put(b"x")
    memory[TAKEN : TAKEN + 8].cast("Q")[0] = hostile
    if hostile <= stored:
        assert sender.has_room() == (stored - hostile < 3)
    elif (stored - hostile) % 2**64 > 3:
        with pytest.raises(OSError, match="Bad message"):
            sender.has_room()
    memory[STORED : STORED + 8].cast("Q")[0] = hostile
    if hostile > 3:
        with pytest.raises(OSError, match="Bad message"):
            receiver.has_message()


def test_a_length_beyond_its_place_is_refused() -> None:
    memory = memoryview(bytearray(SIZE))
    sender, receiver = both(2, memory)
    sender.put(b"four")
    memory[HEADER : HEADER + 4] = b"\xff" * 4
    with pytest.raises(OSError, match="Bad message"):
        receiver.take(10)


def test_a_message_that_does_not_fit_its_place_is_refused_and_nothing_is_stored() -> None:
    sender, receiver = both(2)
    with pytest.raises(OSError, match="Message too long"):
        sender.put(bytes(SIZE // 2))
    assert not receiver.has_message()


def test_a_receiver_that_may_only_read_sees_that_it_was_overtaken() -> None:
    memory = memoryview(bytearray(SIZE))
    sender, receiver = Ring(memory, 2, follows=False), Ring(memory.toreadonly(), 2)
    sender.put(b"1")
    assert receiver.take(1) == b"1"
    for _ in range(3):
        assert sender.has_room()
        sender.put(b"x")
    with pytest.raises(OSError, match="Bad message"):
        receiver.take(1)


@given(st.integers(1, 2000), st.integers(1, LONGEST))
def test_as_many_messages_as_were_promised_fit_the_memory(messages: int, size: int) -> None:
    terms = Terms(messages=messages, size=size)
    whole, places = bytes_for(terms), places_for(terms)
    assert whole <= MOST
    assert places == messages or whole > MOST - 2 * (size + 8) - 4096
    assert (whole - HEADER) // places // 8 * 8 >= size + 4


def test_one_message_above_the_limit_is_refused() -> None:
    with pytest.raises(OSError, match="Message too long"):
        bytes_for(Terms(size=LONGEST + 1))


@given(st.integers(1, 200), st.integers(1, 200), st.integers(1, 9))
def test_an_empty_ring_can_be_divided_for_another_size(before: int, after: int, most: int) -> None:
    memory = memoryview(bytearray(SIZE))
    sender, receiver = both(1, memory)
    for size in (before, after):
        for ring in (sender, receiver):
            ring.divide(size, most)
        messages = [bytes([number]) * size for number in range(min(most, fits_into(SIZE, size)))]
        for message in messages:
            assert sender.has_room()
            sender.put(message)
        assert not sender.has_room()
        assert [receiver.take(size) for _ in messages] == messages


def test_a_ring_is_not_divided_for_what_does_not_fit() -> None:
    with pytest.raises(OSError, match="too long") as caught:
        both(1)[0].divide(SIZE, 4)
    assert caught.value.errno == errno.EMSGSIZE
