"""Counters in the six cells of QUEUED."""

from __future__ import annotations

import pytest

from ipcinspect.tui.figures import counter


@pytest.mark.parametrize("value", [0, 3, 99, 100, 999, 1000, 99_999, 10**6, 2**32, 2**64 - 2])
def test_a_counter_of_any_size_fits_its_column(value: int) -> None:
    assert len(counter("ctr", value)) <= 6


def test_a_counter_says_what_it_is() -> None:
    assert [counter("ctr", value) for value in (3, 42, 100, None)] == ["ctr 3", "ctr 42", "ctr100", "?"]
