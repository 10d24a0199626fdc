"""One memoised pass over the kernel's interfaces."""

from __future__ import annotations


class Scan:
    """To come."""
