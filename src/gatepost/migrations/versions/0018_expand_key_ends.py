"""Keys by their end: those that end soon are told."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    """Add the index of keys that end."""
    ends = sa.text("expires_at IS NOT NULL")
    op.create_index(
        "ix_keys_expires", "keys", ["expires_at"], sqlite_where=ends, postgresql_where=ends
    )
