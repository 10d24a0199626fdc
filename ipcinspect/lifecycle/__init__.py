"""The life of channels: what changed from snapshot to snapshot, and what stage each one is in. Knows no kernel."""

from __future__ import annotations
