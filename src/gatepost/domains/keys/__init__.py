"""API keys: how they look, what they may do, how they live and end."""
