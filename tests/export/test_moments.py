"""Times as RFC 3339."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipcinspect.export.moments import rfc3339
from tests.export.reference import moment


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (1_750_000_000.25, "2025-06-15T15:06:40.250Z"),
        (951_782_399.9995, "2000-02-28T23:59:59.999Z"),
        (-0.5, "1969-12-31T23:59:59.500Z"),
    ],
)
def test_moments(seconds: float, told: str) -> None:
    assert rfc3339(seconds) == told


@given(st.floats(0, 2e11))
def test_every_moment_reads_as_the_calendar_of_the_library_has_it(seconds: float) -> None:
    assert rfc3339(seconds) == moment(seconds)
