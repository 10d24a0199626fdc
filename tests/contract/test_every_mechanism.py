"""One contract for every mechanism in the register: its demo pair shows as the one right channel, from birth to end."""

from __future__ import annotations

import errno
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from ipcinspect.demo import DemoPair
from ipcinspect.kernel.errors import Unsupported
from ipcinspect.mechanisms import MECHANISMS
from ipcinspect.mechanisms.ipc_namespaces import IpcNamespaces
from ipcinspect.mechanisms.kernel_memory import KernelMemory
from ipcinspect.mechanisms.peeking import Peeking
from ipcinspect.mechanisms.room import Room
from tests.contract.keeping import Watched, check_death, check_nothing_is_left, check_transfer
from tests.fakes import channel

pytestmark = pytest.mark.alone
"""Exactly the two right holders: whoever looks at the same moment has a borrowed descriptor, and would be a third."""

PAIRS = [
    pytest.param(room, variant, id=f"{room.NAME}-{variant}")
    for room in MECHANISMS
    if room.DEMO is not None
    for variant in room.DEMO.variants
]


@pytest.fixture
def names() -> Iterator[Path]:
    """An empty directory with a short path: the name of a unix socket has at most 107 bytes."""
    with tempfile.TemporaryDirectory(prefix="names-") as directory:
        yield Path(directory)


@pytest.mark.parametrize("killed", ["sender", "receiver"])
@pytest.mark.parametrize(("room", "variant"), PAIRS)
def test_pair_is_one_channel_from_its_opening_to_its_end(room: Room, variant: str, killed: str, names: Path) -> None:
    with started(room, variant, names) as pair:
        pair.open()
        watched = Watched(pair)
        channel = check_transfer(watched)
        check_death(watched, channel, of_sender=killed == "sender")
    check_nothing_is_left(watched, channel)
    assert list(names.iterdir()) == []


@pytest.mark.parametrize("room", [room for room in MECHANISMS if room.TELLS.peek is None], ids=lambda room: room.NAME)
def test_what_no_call_can_look_into_says_so_in_a_sentence(room: Room) -> None:
    peeking = Peeking("/proc", True, IpcNamespaces("/proc", None, ()), 1, KernelMemory("/proc", (5, 3), tuple))
    try:
        told = room.peek(peeking, channel(1, room.NAME)).refusal
    except Unsupported as refusal:
        told = str(refusal)
    assert told is not None
    assert len(told.split()) > 5


def started(room: Room, variant: str, names: Path) -> DemoPair:
    """The pair; skips where this machine lacks the whole family of addresses."""
    try:
        return DemoPair.start(room, variant, below=str(names))
    except OSError as error:
        if error.errno in (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL):
            pytest.skip(f"{room.NAME} {variant}: {error}")
        raise
