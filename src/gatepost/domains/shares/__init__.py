"""Shares: reports that whoever has a link may look at."""
