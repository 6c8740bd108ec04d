"""Verifications: whether addresses can be right, in lists of many."""
