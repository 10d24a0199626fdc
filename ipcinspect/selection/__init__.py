"""Which channels a user means: filter words, channel addresses, order. Pure functions over snapshots."""

from __future__ import annotations
