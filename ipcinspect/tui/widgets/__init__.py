"""Widgets of the screen; each draws lines that pure functions made."""

from __future__ import annotations
