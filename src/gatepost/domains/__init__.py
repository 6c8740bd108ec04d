"""Nouns: each folder owns its structs and rules, its tables and its SQL. None knows another."""
