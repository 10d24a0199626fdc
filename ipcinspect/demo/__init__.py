"""Runs the demo pairs that the mechanism rooms describe: real processes over real kernel objects."""

from __future__ import annotations
