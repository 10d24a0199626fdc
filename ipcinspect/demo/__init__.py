"""Runs the demo pairs that the mechanism rooms describe: real processes over real kernel objects.

    with DemoPair.start(room, "packet") as pair:
        pair.open()
        pair.send(b"hello")
        assert pair.receive() == b"hello"

`runner.py` is the runner's side, `process.py` its hold of the other processes, `protocol.py` what they say to each
other; `keeper.py` is the program that makes the object and forks both halves, `half.py` what they do.
"""

from __future__ import annotations

from ipcinspect.demo.process import DemoError
from ipcinspect.demo.runner import DemoPair

__all__ = ["DemoError", "DemoPair"]
