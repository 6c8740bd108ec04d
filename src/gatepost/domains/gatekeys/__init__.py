"""Gate keys: those that an account gives to its own end users, and asks about in checks."""
