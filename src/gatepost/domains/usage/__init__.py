"""Usage: who used how much, counted by the hour."""
