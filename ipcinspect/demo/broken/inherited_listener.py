"""A server that starts another program, which keeps its listening socket."""

from __future__ import annotations

import os
import socket

from ipcinspect.demo.broken.scenario import Scenario, fork, rest_for_ever


def _begin(directory: str) -> None:
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    server.bind(os.path.join(directory, "socket"))
    server.listen()
    fork(rest_for_ever, "broken-backup")
    while True:
        server.accept()


SCENARIO = Scenario(
    "inherited-listener", "inherited-listener", "a child of a server keeps its listening socket without need", _begin
)
