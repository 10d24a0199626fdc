"""Claims about the source itself: what stands where, and what nobody may call."""
