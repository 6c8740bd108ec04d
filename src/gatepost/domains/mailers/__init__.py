"""Mailers: through whom an account sends its mails."""
