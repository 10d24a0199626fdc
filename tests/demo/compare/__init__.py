"""Tests of the comparison: its arithmetic and words with made figures, its run with a fake clock, and a real one."""
