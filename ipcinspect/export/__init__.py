"""Observations as documents: JSON and plain rows."""

from __future__ import annotations
