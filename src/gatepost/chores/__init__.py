"""Periodic work: what nobody waits for."""
