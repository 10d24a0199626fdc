"""Claims about the readers of kernel interfaces."""
