"""SQLite: one file, one writer, several readers."""
