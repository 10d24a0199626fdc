"""Runs the demo pairs that the mechanism rooms describe: real processes over real kernel objects.

    with DemoPair.start(room, "packet") as pair:
        pair.open()
        pair.send(b"hello")
        assert pair.receive() == b"hello"

`runner.py` is the runner's side, `child.py` the program of the two processes, `protocol.py` what they say to each
other, `process.py` the runner's hold of one of them.
"""

from __future__ import annotations

from ipcinspect.demo.process import DemoError, DemoProcess
from ipcinspect.demo.runner import DemoPair

__all__ = ["DemoError", "DemoPair", "DemoProcess"]
