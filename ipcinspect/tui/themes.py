"""Which themes the screen knows, so that the command line can name the nearest one."""

from __future__ import annotations

from textual.theme import BUILTIN_THEMES

THEMES = tuple(sorted(BUILTIN_THEMES))
"""The names of all themes that come with Textual."""
