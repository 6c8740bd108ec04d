"""Processes: which ones serve this installation now."""
