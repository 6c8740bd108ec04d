"""Customers: whom usage is metered for, and how much each may use."""
