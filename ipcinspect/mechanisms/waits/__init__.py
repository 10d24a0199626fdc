"""What threads wait for: read twice around a look, and told in the terms of its channels.

`looks.py` reads, `translator.py` tells which channel, lock or child each thread waits for.
"""

from __future__ import annotations

from ipcinspect.mechanisms.waits.looks import LEAST_APART_S, Answers, WaitLooks, relay
from ipcinspect.mechanisms.waits.translator import sleepers

__all__ = ["LEAST_APART_S", "Answers", "WaitLooks", "relay", "sleepers"]
