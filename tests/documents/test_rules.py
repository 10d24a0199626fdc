"""README's table of rules is what the rules say."""

from __future__ import annotations

from tests.documents.rules import BEGIN, END, README, table


def test_the_table_in_readme_is_made_from_the_rules_of_today() -> None:
    assert f"{BEGIN}\n{table()}\n{END}" in README.read_text(encoding="utf-8")
