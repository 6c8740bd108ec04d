"""The mailbox: mails that were kept here because nobody takes them."""
