"""A server that keeps connections whose clients are gone."""

from __future__ import annotations

import socket

from ipcinspect.demo.broken.scenario import Scenario, fork, rest_for_ever

_COUNT = 12


def _begin(directory: str) -> None:
    server = socket.create_server(("127.0.0.1", 0), backlog=_COUNT)
    address = server.getsockname()

    def clients() -> None:
        server.close()
        for _ in range(_COUNT):
            socket.create_connection(address).close()

    fork(clients, "broken-clients")
    kept = [server.accept()[0] for _ in range(_COUNT)]
    assert kept
    rest_for_ever()


SCENARIO = Scenario(
    "close-wait-pile", "close-wait-pile", "a server keeps connections that its clients have ended long ago", _begin
)
