"""Endpoints: where webhooks go, and what of all that is told each of them wants."""
