"""Times as RFC 3339."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipcinspect.export.json_document import channels_document
from ipcinspect.export.moments import rfc3339
from ipcinspect.model.channel import Channel
from tests.export.reference import moment
from tests.fakes import pipe, process, snapshot


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


@pytest.mark.parametrize("seconds", [2.0**60, -(2.0**60), float("inf"), 253402300800.0])
def test_a_moment_that_no_calendar_has_is_refused(seconds: float) -> None:
    with pytest.raises(ValueError, match="no RFC 3339 time"):
        rfc3339(seconds)


def test_a_channel_born_outside_all_calendars_has_no_birth_in_a_document() -> None:
    born = [born_at(2.0**60), born_at(1.0)]
    document = json.loads("".join(channels_document(snapshot(born), born)))
    assert [channel["created_at"] for channel in document["channels"]] == [None, "1970-01-01T00:00:01.000Z"]


def born_at(seconds: float) -> Channel:
    """A pipe made at that moment."""
    return pipe(int(seconds) % 97 + 1, process(1), process(2))._replace(created_at=seconds)
