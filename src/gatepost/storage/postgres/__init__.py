"""PostgreSQL: several writers, in this process and in others."""
