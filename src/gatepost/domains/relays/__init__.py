"""Relays: routes that lead through Gatepost to somebody's own API."""
