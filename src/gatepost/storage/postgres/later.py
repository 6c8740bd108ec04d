"""Indexes made after their table is filled: row by row, in no order, they cost many times more."""

from __future__ import annotations

from gatepost.storage.db import Tx

SORT_MEMORY = "256MB"


def put_off(tx: Tx, table: str) -> None:
    """Drop the indexes of an empty table, and note what they were."""
    tx.driver.execute("CREATE TABLE later_indexes (statement text NOT NULL)")
    query = (
        "SELECT indexname, indexdef FROM pg_indexes"
        " WHERE schemaname = current_schema() AND tablename = %s"
    )
    for name, statement in tx.driver.execute(query, (table,)).fetchall():
        # As it is noted by PostgreSQL, that of a table in parts would leave the parts out.
        whole = statement.replace(" ON ONLY ", " ON ", 1)
        tx.driver.execute("INSERT INTO later_indexes VALUES (%s)", (whole,))
        tx.driver.execute(f"DROP INDEX {name}")


def make(tx: Tx) -> None:
    """Make the indexes that were put off, if they still are."""
    (there,) = tx.driver.execute("SELECT to_regclass('later_indexes')").fetchone()
    if there is None:
        return
    tx.driver.execute(f"SET LOCAL maintenance_work_mem = '{SORT_MEMORY}'")
    for (statement,) in tx.driver.execute("SELECT statement FROM later_indexes").fetchall():
        tx.driver.execute(statement)
    tx.driver.execute("DROP TABLE later_indexes")
