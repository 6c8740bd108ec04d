"""What the webhooks of an account are signed with that go to no endpoint of its own."""
