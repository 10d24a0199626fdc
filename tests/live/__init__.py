"""Tests against the running kernel: real channels, real processes, other people's tools as oracles."""
