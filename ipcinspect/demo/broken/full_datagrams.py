"""A log socket whose owner does not read, and a program that wants to log."""

from __future__ import annotations

import os
import socket

from ipcinspect.demo.broken.scenario import Scenario, fork, rest_for_ever


def _begin(directory: str) -> None:
    path = os.path.join(directory, "log")
    receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    receiver.bind(path)

    def sender() -> None:
        receiver.close()
        client = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        client.connect(path)
        while True:
            client.send(b"a line for the log")

    fork(sender, "broken-logging")
    rest_for_ever()


SCENARIO = Scenario(
    "full-dgram-queue",
    "full-dgram-queue",
    "a datagram socket is full, its owner does not read, a sender sleeps",
    _begin,
)
