"""What every mechanism has to keep, whoever adds it."""
