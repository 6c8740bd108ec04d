"""The durable truth: one SQLAlchemy Core layer over SQLite (and other engines beside it)."""
