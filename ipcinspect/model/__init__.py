"""The nouns of the program: immutable values without any I/O, in plain English with their units in the name."""

from __future__ import annotations
