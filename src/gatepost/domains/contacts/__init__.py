"""Contacts: people with an address, and the audiences they are on."""
