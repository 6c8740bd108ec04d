"""Attachments: files that mails have with them, kept apart from what the mails say."""
