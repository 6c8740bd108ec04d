"""Devices: browsers that have agreed to be told, and the keys that say who tells them."""
