"""Two processes between which numbers flow as fast as one mechanism carries them, to be looked into meanwhile.

The sender writes RECORD by RECORD (a mark and a counter) until it is told to stop; the receiver checks that it gets
every one once, in order, and says how many. A datagram queue that is full drops, so both sides keep to a window.
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from ipcinspect.kernel import sysv
from tests.live.subjects import Subject

MARK = b"\xff\xfe"
RECORD = struct.Struct(">2sHI")
IN_A_MESSAGE = 16

_BOTH = """
RECORD = struct.Struct(">2sHI")
KIND, FD, TOKENS = ARGS[0], ARGS[1], ARGS[2]
COUNT, WINDOW = 16, 64
SIZE = COUNT * RECORD.size
def message(first):
    return b"".join(RECORD.pack(bytes((255, 254)), 0, first + n) for n in range(COUNT))
if KIND == "socket":
    END = socket.socket(fileno=FD)
    put, take = END.sendall, END.recv
elif KIND == "queue":
    LIBC.msgrcv.restype = ctypes.c_ssize_t
    BUFFER = ctypes.create_string_buffer(8 + 8192)
    def put(data): checked(LIBC.msgsnd(FD, struct.pack("@l", 1) + data, len(data), 0))
    def take(size):
        got = checked(LIBC.msgrcv(FD, BUFFER, 8192, ctypes.c_long(0), 0))
        return BUFFER.raw[8:8 + got]
else:
    put = lambda data: os.write(FD, data)
    take = lambda size: os.read(FD, size)
"""
_SENDS = """
say()
sent, messages, over = 0, 0, threading.Event()
threading.Thread(target=lambda: (sys.stdin.readline(), over.set()), daemon=True).start()
while not over.is_set():
    if messages >= WINDOW: os.read(TOKENS, 1)
    put(message(sent))
    sent, messages = sent + COUNT, messages + 1
put(b"the end." * COUNT)
say(sent)
stay()
"""
_RECEIVES = """
say()
expected, rest, seen = 0, b"", 0
while True:
    data = take(SIZE if ARGS[3] else 8192)
    if ARGS[3] or KIND == "queue": os.write(TOKENS, b".")
    else:
        seen += len(data)
        while seen >= SIZE: seen -= SIZE; os.write(TOKENS, b".")
    rest += data
    whole = len(rest) // RECORD.size * RECORD.size
    for mark, zero, number in RECORD.iter_unpack(rest[:whole]):
        if mark == b"th": break
        if (mark, zero, number) != (bytes((255, 254)), 0, expected):
            say("wrong", expected, number); stay(); sys.exit()
        expected += 1
    else:
        rest = rest[whole:]
        continue
    break
say("right", expected)
stay()
"""


class Flow(NamedTuple):
    """How the two are connected."""

    kind: str
    """`file`, `socket` or `queue`: the calls they use."""
    sends: int
    receives: int
    """Descriptors, or System V ids."""
    keeps_messages: bool
    """Whether one receive gives what one send took."""


def pipe(place: Path) -> Flow:
    """An anonymous pipe."""
    r, w = os.pipe()
    return Flow("file", w, r, False)


def packets(place: Path) -> Flow:
    """A packet pipe."""
    r, w = os.pipe2(os.O_DIRECT)
    return Flow("file", w, r, True)


def fifo(place: Path) -> Flow:
    """A FIFO."""
    os.mkfifo(place / "fifo")
    r = os.open(place / "fifo", os.O_RDONLY | os.O_NONBLOCK)
    w = os.open(place / "fifo", os.O_WRONLY)
    os.set_blocking(r, True)
    return Flow("file", w, r, False)


def pair_of(kind: socket.SocketKind) -> Callable[[Path], Flow]:
    """A pair of unix sockets."""

    def make(place: Path) -> Flow:
        a, b = socket.socketpair(socket.AF_UNIX, kind)
        return Flow("socket", a.detach(), b.detach(), kind != socket.SOCK_STREAM)

    return make


def tcp(place: Path) -> Flow:
    """A connection over the loopback."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        server, _ = listener.accept()
    return Flow("socket", client.detach(), server.detach(), False)


def udp(place: Path) -> Flow:
    """A connected sender on the loopback."""
    receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    receiver.bind(("127.0.0.1", 0))
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sender.connect(receiver.getsockname())
    return Flow("socket", sender.detach(), receiver.detach(), True)


def queue(place: Path) -> Flow:
    """A System V message queue."""
    number = sysv.create_queue()
    return Flow("queue", number, number, True)


FLOWS: dict[str, tuple[str, Callable[[Path], Flow]]] = {
    "pipe": ("pipe", pipe),
    "packets": ("pipe", packets),
    "fifo": ("fifo", fifo),
    "stream": ("unix", pair_of(socket.SOCK_STREAM)),
    "dgram": ("unix", pair_of(socket.SOCK_DGRAM)),
    "seqpacket": ("unix", pair_of(socket.SOCK_SEQPACKET)),
    "tcp": ("tcp", tcp),
    "udp": ("udp", udp),
    "queue": ("sysv-msg", queue),
}
"""Mechanism and maker by name."""


class Flowing(NamedTuple):
    """A flow with both its processes."""

    mechanism: str
    sender: Subject
    receiver: Subject

    def stop(self) -> tuple[int, list[object]]:
        """Records that were sent, and what the receiver says of them."""
        (sent,) = self.sender.ask()
        return sent, self.receiver.hear()


@contextmanager
def flowing(name: str, place: Path) -> Iterator[Flowing]:
    """Numbers on their way; nothing is left behind afterwards."""
    mechanism, make = FLOWS[name]
    flow = make(place)
    tokens_r, tokens_w = os.pipe()
    held = [] if flow.kind == "queue" else [flow.sends, flow.receives]
    subjects: list[Subject] = []
    try:
        try:
            for code, fd, tokens in ((_RECEIVES, flow.receives, tokens_w), (_SENDS, flow.sends, tokens_r)):
                fds = [tokens] if flow.kind == "queue" else [fd, tokens]
                subjects.append(Subject(_BOTH + code, flow.kind, fd, tokens, flow.keeps_messages, pass_fds=fds))
        finally:
            for fd in (*held, tokens_r, tokens_w):
                os.close(fd)
        yield Flowing(mechanism, subjects[1], subjects[0])
    finally:
        if flow.kind == "queue":
            sysv.remove_queue(flow.sends)
        for subject in subjects:
            subject.end()
