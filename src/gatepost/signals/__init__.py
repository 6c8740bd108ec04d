"""Doorbells: a hint that there is something new. The database stays the truth."""
