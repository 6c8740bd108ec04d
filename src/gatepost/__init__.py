"""Gatepost: the gate and the post for any product's API."""

__version__ = "0.1.0"
