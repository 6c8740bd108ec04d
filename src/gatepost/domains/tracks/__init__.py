"""What recipients did with mails that are tracked: opened them, followed their links."""
