"""Claims about the nouns and about what is derived from snapshots alone."""
