"""Claims about filters, addresses and orders."""
