"""Projects: the parts of an account that events and keys belong to."""
