"""Quotas: how much of a plan's allowance a period has used."""
