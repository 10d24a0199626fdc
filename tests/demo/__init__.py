"""The runner of demo pairs: it waits no longer than it said, and leaves nothing behind."""
