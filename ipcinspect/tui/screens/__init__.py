"""The screens. Each is a page below the same header, with its own style sheet beside it."""

from __future__ import annotations
