"""Mails handed in by SMTP, sent like those of the API."""
