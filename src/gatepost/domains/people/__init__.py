"""People: an account's end users, their properties and aliases."""
