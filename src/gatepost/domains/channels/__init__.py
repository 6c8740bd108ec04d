"""Channels: the streams events are sorted into, made on first use."""
