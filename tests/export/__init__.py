"""Claims about documents made of snapshots."""
