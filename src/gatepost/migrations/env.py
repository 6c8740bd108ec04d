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
# The connection is in autocommit, so the transaction is begun by hand: all or nothing.
connection.exec_driver_sql("BEGIN IMMEDIATE" if sqlite else "BEGIN")
try:
    context.run_migrations()
except BaseException:
    connection.exec_driver_sql("ROLLBACK")
    raise
connection.exec_driver_sql("COMMIT")
