"""Suppressions: who gets no mails of an account any more."""
