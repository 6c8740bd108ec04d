"""Usage: who used how much, by the quarter of an hour."""
