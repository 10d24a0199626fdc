"""One answer of the doctor."""

from __future__ import annotations

from typing import NamedTuple


class Sighting(NamedTuple):
    """Whether something can be seen: `verdict` is `yes`, `partly` or `no`."""

    subject: str
    verdict: str
    detail: str
    remedy: str | None
    """What to type to see more; None where nothing is missing or nothing helps."""
