"""Measures every mechanism on this machine by the same work, and answers in words which to choose.

`cases.py` lists what is measured; `play.py` is what a half does for one batch; `bench.py` has the pair of one case,
`contest.py` lets all play in turn; `figures.py` and `rows.py` are the arithmetic; `answers.py` and `rules.py` have the
words, `copies.py` what is known without measuring.
"""

from __future__ import annotations
