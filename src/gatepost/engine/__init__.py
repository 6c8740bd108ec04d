"""Verbs: a file exists only where two or more nouns change together."""
