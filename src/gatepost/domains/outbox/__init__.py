"""The outbox: messages, what is delivered of them to whom, and how each attempt went."""
