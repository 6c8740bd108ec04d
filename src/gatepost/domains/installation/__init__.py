"""The installation: what all its processes must agree on."""
