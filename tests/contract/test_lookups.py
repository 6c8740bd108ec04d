"""Names for as many rows as a report has, on both engines."""

import sqlite3

from gatepost.base import ids
from gatepost.base.ids import AccountId, CustomerId, KeyId
from gatepost.domains.customers import store as customers
from gatepost.domains.customers.model import Customer, Status
from gatepost.domains.keys import store as keys
from gatepost.storage.backend import Backend

MANY = 70_000
"""More than PostgreSQL takes parameters, or SQLite as it is usually built."""
USUAL = 32_766


def test_many_customers_and_keys_are_looked_up(backend: Backend) -> None:
    account_id, customer_id = AccountId(ids.new()), CustomerId(ids.random())
    one = Customer(
        id=customer_id,
        account_id=account_id,
        identifier="acme",
        name="Acme",
        metadata={"region": "eu"},
        status=Status.ACTIVE,
        created_at=1,
        updated_at=2,
    )
    others = [ids.random() for _ in range(MANY)]
    with backend.write() as tx:
        customers.add(tx, one)
    with backend.read() as tx:
        if isinstance(tx.driver, sqlite3.Connection):
            tx.driver.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, USUAL)
        wanted = [CustomerId(raw) for raw in others]
        assert customers.named(tx, account_id, [*wanted, customer_id]) == {customer_id: one}
        assert keys.named(tx, account_id, [KeyId(raw) for raw in others]) == {}
