"""Requests for somebody's own API: checked like any other, forwarded, settled by the answer."""
