"""Domains that mail is sent from: their keys, the records they publish, and what was found."""
