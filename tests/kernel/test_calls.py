"""System calls of every machine that is known, from their texts: what a thread waits for, and until when."""

from __future__ import annotations

import os
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipcinspect.kernel import call_numbers, call_targets, call_timeouts, calls
from ipcinspect.kernel.call_timeouts import Timeout
from ipcinspect.kernel.calls import Call
from ipcinspect.kernel.present_memory import PresentMemory
from ipcinspect.kernel.wait_target import Answer, Sleeper, Target

SP, SP_OF_32_BITS = 0x7FFFBAA3D388, 0xFFA01000
TASKS = [("x86_64", False), ("aarch64", False), ("x86_64", True), ("aarch64", True)]
NAMES = sorted({name for task in TASKS for name in call_numbers.names(*task).values()})


class Memory(PresentMemory):
    """What stands where, without a process."""

    def __init__(self, places: dict[int, bytes], otherwise: bytes = b"") -> None:
        super().__init__(-1, 0, False)
        self._places = places
        self._otherwise = otherwise

    def read(self, address: int, size: int) -> bytes:
        """As much of it as is wanted."""
        return self._places.get(address, self._otherwise)[:size]

    def is_own(self, address: int) -> bool:
        """All of it is shared."""
        return False


def text_of(number: int, *arguments: int, sp: int = SP) -> bytes:
    """A syscall file."""
    registers = [*arguments, *[0] * (6 - len(arguments)), sp, 0x7EFE40D16350]
    return f"{number} {' '.join(map(hex, registers))}\n".encode()


def call_of(machine: str, number: int, *arguments: int, sp: int = SP) -> Call:
    """The call in it."""
    call = calls.parse_call(text_of(number, *arguments, sp=sp), 7, machine)
    assert call is not None
    return call


def answer_of(call: Call, places: dict[int, bytes] | None = None, wchan: str | None = None) -> Answer:
    """What it waits for, of a process with one thread that has the number 7."""
    return call_targets.targets_of(Sleeper(call, -1, Memory(places or {}), wchan, 7, {7: 7}))


def limit_of(call: Call, places: dict[int, bytes]) -> Timeout:
    """When it gives up, at 1000 seconds on every clock."""
    return call_timeouts.timeout_of(call, Memory(places).read, lambda number: 1000.0)


@pytest.mark.parametrize("task", TASKS)
def test_no_two_calls_have_one_number(task: tuple[str, bool]) -> None:
    column = TASKS.index(task) + 1
    rows = [line.split() for line in call_numbers._TABLE.strip().split("\n")[1:]]
    numbers = [row[column] for row in rows if row[column] != "-"]
    assert all(len(row) == 5 for row in rows)
    assert len(set(numbers)) == len(numbers) == len(call_numbers.names(*task))


@pytest.mark.parametrize(
    ("machine", "number", "sp", "name"),
    [
        ("x86_64", 0, SP, "read"),
        ("x86_64", 0, SP_OF_32_BITS, "restart_syscall"),
        ("x86_64", 3, SP_OF_32_BITS, "read"),
        ("x86_64", 256, SP_OF_32_BITS, "epoll_wait"),
        ("aarch64", 63, SP, "read"),
        ("aarch64", 98, SP, "futex"),
        ("aarch64", 252, SP_OF_32_BITS, "epoll_wait"),
        ("x86_64", 999, SP, "call 999"),
        ("riscv64", 63, SP, "call 63"),
        ("x86_64", 0x40000000, SP_OF_32_BITS, "call 1073741824"),
    ],
)
def test_a_number_means_what_it_means_to_that_task(machine: str, number: int, sp: int, name: str) -> None:
    call = call_of(machine, number, 3, sp=sp)
    assert (call.name, call.number, call.is_32_bit) == (name, number, sp == SP_OF_32_BITS)


@pytest.mark.parametrize("text", [b"running\n", b"", text_of(0, sp=0), b"-1 0x0 0x0\n", b"0 0x3 0x7f\n"])
def test_who_runs_and_threads_of_the_kernel_are_in_no_call(text: bytes) -> None:
    assert calls.parse_call(text, 7, "x86_64") is None


def test_who_sleeps_outside_of_any_call_is_told_so() -> None:
    call = calls.parse_call(b"-1 0x7fffbaa3d388 0x7efe40d16350\n", 7, "x86_64")
    assert call == Call(7, "no call", (), -1, False, SP, 0x7EFE40D16350)
    assert answer_of(call) == Answer((), False)


def test_a_call_that_is_not_known_leaves_the_answer_incomplete() -> None:
    assert answer_of(call_of("x86_64", 999, 3)) == Answer((), False)
    assert answer_of(call_of("x86_64", 16, 3)) == Answer((), False), "an ioctl"


POLLED = struct.pack("=ihhihh", 5, 1, 0, 6, 4, 0)
SEMAPHORE = struct.pack("=Hhh", 1, -2, 0)


@pytest.mark.parametrize(
    ("call", "places", "answer"),
    [
        (call_of("aarch64", 73, 0x1000, 2), {0x1000: POLLED}, [("descriptor", 5, "in"), ("descriptor", 6, "out")]),
        (call_of("aarch64", 206, 4), {}, [("descriptor", 4, "out")]),
        (call_of("x86_64", 168, 0x1000, 2, 9, sp=SP_OF_32_BITS), {0x1000: POLLED},
         [("descriptor", 5, "in"), ("descriptor", 6, "out")]),
        (call_of("x86_64", 142, 40, 0x1000, 0, 0, 0, sp=SP_OF_32_BITS), {0x1000: struct.pack("=II", 8, 1 << 4)},
         [("descriptor", 3, "in"), ("descriptor", 36, "in")]),
        (call_of("aarch64", 142, 40, 0, 0x1000, 0, 0, sp=SP_OF_32_BITS), {0x1000: struct.pack("=II", 8, 0)},
         [("descriptor", 3, "out")]),
    ],
)  # fmt: skip
def test_lists_are_read_as_that_task_laid_them_out(
    call: Call, places: dict[int, bytes], answer: list[tuple[str, int, str]]
) -> None:
    told = answer_of(call, places)
    assert (list(told.targets), told.is_complete) == ([Target(*one) for one in answer], True)


def test_a_list_that_is_cut_is_told_as_far_as_it_goes() -> None:
    told = answer_of(call_of("x86_64", 7, 0x1000, 3), {0x1000: POLLED})
    assert ([target.fd for target in told.targets], told.is_complete) == ([5, 6], False)
    assert answer_of(call_of("x86_64", 65, 9, 0x1000, 2), {0x1000: SEMAPHORE}) == Answer(
        [Target("semaphore", number=9, sub=1, change=-2)], False
    )


def test_a_lock_of_a_32_bit_task_names_nobody() -> None:
    mutex = struct.pack("=5I", 2, 0, 7, 1, 128)
    call = call_of("x86_64", 240, 0x1000, 0, 2, sp=SP_OF_32_BITS)
    assert answer_of(call, {0x1000: mutex}) == Answer([Target("futex", address=0x1000, is_shared=True)], True)
    call = call_of("x86_64", 202, 0x1000, 0, 2)
    assert answer_of(call, {0x1000: mutex}).targets[0].owner_tid == 7


def test_where_the_function_does_not_tell_it_both_ends_of_a_copy_are_waited_for() -> None:
    call = call_of("x86_64", 275, 3, 0, 4)
    assert [target.direction for target in answer_of(call).targets] == ["in", "out"]
    assert [target.direction for target in answer_of(call, wchan="pipe_wait_writable").targets] == ["out"]
    assert [target.direction for target in answer_of(call, wchan="sk_wait_data").targets] == ["in", "out"]


def test_an_open_that_does_not_wait_for_a_partner_waits_for_nobody_known() -> None:
    call = call_of("x86_64", 257, 0xFFFFFF9C, 0x1000, os.O_WRONLY)
    places = {0x1000: b"/run/fifo\0rest"}
    assert answer_of(call, places, "wait_for_partner") == Answer(
        (Target("path", direction="out", path="/run/fifo"),), True
    )
    assert answer_of(call, places, "nfs_wait_bit_killable") == Answer((), False)
    assert answer_of(call, places) == Answer((), False)


SHORT, LONG = struct.pack("=ii", 5, 500000000), struct.pack("=qq", 5, 500000000)
MOMENT = struct.pack("=qq", 1005, 500000000)


@pytest.mark.parametrize(
    ("call", "place", "limit"),
    [
        (call_of("x86_64", 271, 0, 0, 0x1000), LONG, Timeout(True, 5.5)),
        (call_of("x86_64", 309, 0, 0, 0x1000, sp=SP_OF_32_BITS), SHORT, Timeout(True, 5.5)),
        (call_of("x86_64", 414, 0, 0, 0x1000, sp=SP_OF_32_BITS), LONG, Timeout(True, 5.5)),
        (call_of("x86_64", 271, 0, 0, 0), LONG, Timeout(False)),
        (call_of("x86_64", 271, 0, 0, 0x1000), b"", Timeout(True)),
        (call_of("x86_64", 7, 0, 0, 0xFFFFFFFF), b"", Timeout(False)),
        (call_of("x86_64", 7, 0, 0, 1500), b"", Timeout(True, 1.5)),
        (call_of("x86_64", 23, 0, 0, 0, 0, 0x1000), struct.pack("=qq", 5, 500000), Timeout(True, 5.5)),
        (call_of("x86_64", 202, 8, 0, 0, 0x1000), LONG, Timeout(True, 5.5)),
        (call_of("x86_64", 202, 8, 9, 0, 0x1000), MOMENT, Timeout(True, None, 5.5)),
        (call_of("x86_64", 202, 8, 9, 0, 0x1000), SHORT, Timeout(True)),
        (call_of("x86_64", 202, 8, 9, 0, 0x1000), LONG, Timeout(True, None, 0.0)),
        (call_of("x86_64", 449, 8, 1, 0, 0x1000, 1), MOMENT, Timeout(True, None, 5.5)),
        (call_of("x86_64", 230, 1, 1, 0x1000), MOMENT, Timeout(True, None, 5.5)),
        (call_of("x86_64", 230, 3, 1, 0x1000), MOMENT, Timeout(True)),
        (call_of("x86_64", 243, 3, 0, 0, 0, 0x1000), MOMENT, Timeout(True, None, 5.5)),
        (call_of("x86_64", 0, 3), b"", Timeout(False)),
        (call_of("x86_64", 426, 3, 0, 1, 1), b"", Timeout(None)),
        (call_of("x86_64", 426, 3, 0, 1, 9, 0x1000), struct.pack("=QQQ", 0, 0, 0x1000), Timeout(True, 0.0)),
    ],
)
def test_the_limit_of_a_call_is_read_as_that_call_has_it(call: Call, place: bytes, limit: Timeout) -> None:
    assert limit_of(call, {0x1000: place}) == limit


REGISTERS = st.one_of(st.integers(0, (1 << 64) - 1), st.integers(0, 40), st.integers(0x1000, 0x2000))


@given(
    st.sampled_from([*NAMES, "call 999"]),
    st.lists(REGISTERS, min_size=6, max_size=6),
    st.booleans(),
    st.binary(max_size=200),
    st.sampled_from([None, "wait_for_partner", "pipe_wait_readable", "x"]),
)
def test_any_registers_and_any_memory_are_survived(
    name: str, registers: list[int], is_32_bit: bool, data: bytes, wchan: str | None
) -> None:
    call = Call(7, name, tuple(registers), 0, is_32_bit, SP, 0)
    memory = Memory({}, data)
    told = call_targets.targets_of(Sleeper(call, -1, memory, wchan, 7, {7: 7}))
    limit = call_timeouts.timeout_of(call, memory.read, lambda number: 1000.0)
    assert len(told.targets) <= 4096
    assert limit.given_s is None or limit.given_s >= 0
