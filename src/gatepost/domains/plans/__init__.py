"""Plans: limits and quotas as data."""
