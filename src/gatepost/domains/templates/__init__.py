"""Texts of messages, in versions, with places for what changes."""
