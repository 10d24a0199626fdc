"""A program of its own that runs a pair and waits: `runner_program MECHANISM DIRECTORY`."""

from __future__ import annotations

import signal
import sys

from ipcinspect.demo import DemoPair
from ipcinspect.demo.ending import signals_end_in_order
from ipcinspect.mechanisms import MECHANISMS


def main(mechanism: str, directory: str) -> None:
    """Say both pids and what the sender was given, then wait for the end."""
    room = next(room for room in MECHANISMS if mechanism == room.NAME)
    with signals_end_in_order(), DemoPair.start(room, below=directory) as pair:
        pair.open()
        given = pair.made.args[0] or ("-",)
        print(pair.sender_pid, pair.receiver_pid, given[0], flush=True)
        signal.pause()


if __name__ == "__main__":
    main(*sys.argv[1:])
