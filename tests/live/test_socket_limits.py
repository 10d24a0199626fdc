"""Whether a socket of somebody else gives up by itself is asked without changing anything about it."""

from __future__ import annotations

import pytest

from ipcinspect.kernel.borrow import Lender
from ipcinspect.kernel.errors import Vanished
from ipcinspect.mechanisms.waits.socket_limits import SocketLimits
from tests.live.conftest import Start

CODE = """
patient, hasty = socket.socketpair()
hasty.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", 77, 5))
late, _ = socket.socketpair()
late.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", 0, 500))
say(*((one.fileno(), ino(one)) for one in (patient, hasty, late)))
def now():
    limit = lambda one, what: struct.unpack("ll", one.getsockopt(socket.SOL_SOCKET, what, 16))
    flags = [fcntl.fcntl(one, fcntl.F_GETFL) for one in (patient, hasty, late)]
    return [limit(hasty, socket.SO_RCVTIMEO), limit(late, socket.SO_SNDTIMEO), flags, len(os.listdir("/proc/self/fd"))]
while True:
    order(); patient.send(b"x"); say(*now(), hasty.recv(9).decode())
"""


def test_a_limit_of_either_direction_is_told_and_stays_as_it_was(start: Start) -> None:
    subject = start(CODE)
    patient, hasty, late = subject.said
    before = subject.ask()
    limits = SocketLimits("/proc")
    try:
        for _ in range(100):
            assert limits.has_one(subject.pid, *patient) is False
            assert limits.has_one(subject.pid, *hasty) is True
            assert limits.has_one(subject.pid, *late) is True
    finally:
        limits.close()
    assert subject.ask() == before


def test_another_socket_in_its_place_is_not_asked(start: Start) -> None:
    subject = start(CODE)
    fd, inode = subject.said[0]
    lender = Lender("/proc", subject.pid)
    try:
        with pytest.raises(Vanished):
            lender.socket_has_timeout(fd, inode + 1)
    finally:
        lender.close()


def test_a_process_that_is_gone_is_not_known(start: Start) -> None:
    subject = start(CODE)
    fd, inode = subject.said[0]
    subject.end()
    limits = SocketLimits("/proc")
    try:
        assert limits.has_one(subject.pid, fd, inode) is None
    finally:
        limits.close()
