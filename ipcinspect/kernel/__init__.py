"""One reader for each kernel interface, in the kernel's own field names. Standard library only."""

from __future__ import annotations
