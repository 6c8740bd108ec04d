"""Aggregators: sets of counters, by name, tags and quarter of an hour."""
