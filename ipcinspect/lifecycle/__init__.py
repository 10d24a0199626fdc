"""What changed between two snapshots. Knows snapshots, no kernel."""

from __future__ import annotations
