"""Rules: when events become messages, and to whom they go."""
