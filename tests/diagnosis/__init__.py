"""Judgement of snapshots that are made by hand: no kernel takes part."""
