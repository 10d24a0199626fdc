"""The table of README: every rule of `check`, from the rules' own words.

`python -m tests.documents.rules` writes it into README between its marks.
"""

from __future__ import annotations

import re
from pathlib import Path

from ipcinspect.demo.broken import SCENARIOS
from ipcinspect.diagnosis.rules import RULES

README = Path(__file__).resolve().parents[2] / "README.md"
BEGIN, END = "<!-- rules: made by python -m tests.documents.rules -->", "<!-- /rules -->"


def table() -> str:
    """One row a rule."""
    shown = {scenario.rule for scenario in SCENARIOS}
    rows = ["| rule | severity | what it means | to look at |", "|---|---|---|---|"]
    for rule in RULES:
        demo = f"`demo --broken {rule.ID}`" if rule.ID in shown else ""
        rows.append(f"| `{rule.ID}` | {rule.SEVERITY} | {rule.EXPLANATION.means} | {demo} |")
    return "\n".join(rows)


def main() -> None:
    """Write it."""
    text = README.read_text(encoding="utf-8")
    made = re.sub(rf"{BEGIN}\n.*?{END}", lambda _: f"{BEGIN}\n{table()}\n{END}", text, flags=re.DOTALL)
    README.write_text(made, encoding="utf-8")


if __name__ == "__main__":
    main()
