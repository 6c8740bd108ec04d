"""Remembered replies of SQLite are found by sorted runs in place of a unique index
(docs/decisions/0027). Those there are become the first run.
"""

from alembic import op

revision = "0028"
down_revision = "0027"


def upgrade() -> None:
    """Make the table anew, which SQLite wants for it; PostgreSQL's index stays."""
    if op.get_context().dialect.name == "postgresql":
        return
    op.execute(
        "CREATE TABLE idempotency_new (seq INTEGER PRIMARY KEY AUTOINCREMENT,"
        " scope BLOB NOT NULL, claim BLOB NOT NULL, fingerprint BLOB NOT NULL,"
        " status INTEGER NOT NULL, body BLOB, expires_at BIGINT NOT NULL)"
    )
    op.execute(
        "INSERT INTO idempotency_new (seq, scope, claim, fingerprint, status, body, expires_at)"
        " SELECT seq, scope, claim, fingerprint, status, body, expires_at FROM idempotency"
    )
    op.execute("DROP TABLE idempotency")
    op.execute("ALTER TABLE idempotency_new RENAME TO idempotency")
    op.execute(
        "CREATE TABLE idempotency_runs (run INTEGER PRIMARY KEY,"
        " last_seq INTEGER NOT NULL, entries INTEGER NOT NULL)"
    )
    op.execute(
        "CREATE TABLE idempotency_entries (run INTEGER NOT NULL, entry BLOB NOT NULL,"
        " seq INTEGER NOT NULL, PRIMARY KEY (run, entry)) WITHOUT ROWID"
    )
    op.execute(
        "INSERT INTO idempotency_entries (run, entry, seq)"
        " SELECT 1, CAST(claim || scope AS BLOB), seq FROM idempotency ORDER BY 2"
    )
    op.execute(
        "INSERT INTO idempotency_runs (run, last_seq, entries)"
        " SELECT 1, max(seq), count(*) FROM idempotency HAVING count(*) > 0"
    )
