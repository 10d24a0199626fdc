"""Sets of signals in words."""

from __future__ import annotations

from ipcinspect.model.signal_words import signal_name, signal_names, signal_set

EVERYTHING = (1 << 64) - 1


def test_signals_have_the_names_of_the_manual_and_real_time_ones_their_distance() -> None:
    assert [signal_name(number) for number in (9, 15, 34, 37, 64)] == [
        "SIGKILL", "SIGTERM", "SIGRTMIN", "SIGRTMIN+3", "SIGRTMIN+30",
    ]  # fmt: skip


def test_what_has_no_name_is_told_by_its_number() -> None:
    assert signal_name(32) == "32"


def test_a_mask_gives_its_signals_in_order() -> None:
    assert signal_names(1 << 14 | 1) == ("SIGHUP", "SIGTERM")


def test_nearly_all_signals_are_told_by_those_that_lack() -> None:
    assert signal_set(EVERYTHING & ~(1 << 8) & ~(1 << 18)) == "all but SIGKILL SIGSTOP"
    assert (signal_set(EVERYTHING), signal_set(0)) == ("all", "-")
