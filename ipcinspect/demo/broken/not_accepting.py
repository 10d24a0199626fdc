"""A server that listens and never accepts, with as many clients as may wait."""

from __future__ import annotations

import os
import socket

from ipcinspect.demo.broken.scenario import Scenario, fork, rest_for_ever

_BACKLOG = 2


def _begin(directory: str) -> None:
    path = os.path.join(directory, "socket")
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    server.bind(path)
    server.listen(_BACKLOG)

    def clients() -> None:
        server.close()
        waiting = []
        while True:  # the last one sleeps in connect(2)
            client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            client.connect(path)
            waiting.append(client)

    fork(clients, "broken-clients")
    rest_for_ever()


SCENARIO = Scenario(
    "listener-not-accepting",
    "listener-not-accepting",
    "a server does not accept, and as many clients wait as may",
    _begin,
)
