"""Judges snapshots: who waits for whom, what is stuck for good, and what to do. It reads nothing itself.

`wait_graph.py` who could end a wait; `stuck.py` which waits nobody can end; `finding.py` what is told of it; `rules/`
one file for each thing that can be wrong.
"""

from __future__ import annotations
