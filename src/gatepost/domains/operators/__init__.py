"""Operators: people who sign in, and the accounts they work for."""
