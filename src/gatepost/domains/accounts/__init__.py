"""Accounts: who owns everything else (elsewhere: organization, workspace, tenant)."""
