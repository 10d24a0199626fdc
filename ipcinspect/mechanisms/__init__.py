"""One room for each mechanism of inter-process communication.

A new mechanism is one new file beside these and one new line in MECHANISMS.
"""

from __future__ import annotations
