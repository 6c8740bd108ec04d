"""Alembic's entry: run the versions on the connection the program hands over."""

from alembic import context

from gatepost.migrations import all_tables

connection = context.config.attributes["connection"]
sqlite = connection.dialect.name == "sqlite"
context.configure(
    connection=connection,
    target_metadata=all_tables(),
    render_as_batch=sqlite,
    transactional_ddl=True,
)
if sqlite:
    # The connection is in autocommit, so the transaction is begun by hand: all or nothing.
    connection.exec_driver_sql("BEGIN IMMEDIATE")
try:
    context.run_migrations()
except BaseException:
    if sqlite:
        connection.exec_driver_sql("ROLLBACK")
    raise
if sqlite:
    connection.exec_driver_sql("COMMIT")
