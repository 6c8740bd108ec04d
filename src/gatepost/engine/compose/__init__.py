"""Compose: what each transport makes of what somebody wants to tell."""
