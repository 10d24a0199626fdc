"""ipcinspect: who talks to whom on this machine, and who is stuck on whom.

The kernel is read once into a plain `Snapshot`; everything else is derived from snapshots. The floors, from the
top; imports only go down:

    cli                    one command a file; writes to standard output and standard error
    tui                    the screen; the only floor that knows Textual
    export demo selection  snapshots as JSON and rows | real pairs of processes | filters, addresses and order
    inspector              Inspector(source).observe() -> Observation: the public Python API
    lifecycle sources      what changed between two snapshots | where snapshots come from
    collector              one scan, every mechanism isolated and timed -> Snapshot
    mechanisms             one room for each mechanism of inter-process communication
    kernel model           one reader for each kernel interface | the nouns, immutable and without I/O
"""

from __future__ import annotations

__version__ = "0.1.0"
