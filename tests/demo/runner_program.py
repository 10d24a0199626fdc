"""A program of its own that runs a pair and waits: `runner_program MECHANISM DIRECTORY`."""

from __future__ import annotations

import json
import signal
import sys

from ipcinspect.demo import DemoPair
from ipcinspect.demo.ending import signals_end_in_order
from ipcinspect.mechanisms import MECHANISMS


def main(mechanism: str, directory: str) -> None:
    """Say the pids, what the sender was given and what would stay in the system; then wait for the end."""
    room = next(room for room in MECHANISMS if mechanism == room.NAME)
    with signals_end_in_order(), DemoPair.start(room, below=directory) as pair:
        pair.open()
        pids = (pair.sender_pid, pair.receiver_pid, pair.maker_pid)
        print(json.dumps({"pids": pids, "given": pair.made.forth.sender_args, "leaves": pair.made.leaves}), flush=True)
        signal.pause()


if __name__ == "__main__":
    main(*sys.argv[1:])
