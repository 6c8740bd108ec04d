"""Delivery: the outbox drained to the outside world."""
