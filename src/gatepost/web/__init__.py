"""HTTP plumbing. It knows no vendor: dialects tell it what to say."""
