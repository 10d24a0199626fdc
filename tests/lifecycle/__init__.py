"""Claims about what is derived from several snapshots: changes, lives, stages."""
