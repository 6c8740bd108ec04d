"""Plans in the database: presets are written once, then edited like any other."""

from __future__ import annotations

import msgspec
import sqlalchemy as sa

from gatepost.base.errors import not_found
from gatepost.domains.plans.model import PRESETS, Plan
from gatepost.domains.plans.tables import plans
from gatepost.storage import sql
from gatepost.storage.db import Tx


def add_presets(tx: Tx, now: int) -> None:
    """Write the presets that are not there yet; edited ones stay as they are."""
    for plan in PRESETS:
        sql.insert_new(tx, plans, _values(plan, now), ["name"])


def hold(tx: Tx, name: str) -> None:
    """Let other changes of a plan wait until this one is done."""
    sql.lock(tx, [b"plan:" + name.encode()])


def find(tx: Tx, name: str) -> Plan | None:
    """Look a plan up."""
    spec = tx.run(sa.select(plans.c.spec).where(plans.c.name == name)).scalar()
    return msgspec.json.decode(spec, type=Plan) if spec else None


def get(tx: Tx, name: str) -> Plan:
    """Look a plan up; raises NOT_FOUND."""
    plan = find(tx, name)
    if plan is None:
        raise not_found(f"plan named {name!r}")
    return plan


def list_(tx: Tx) -> list[Plan]:
    """All plans by name."""
    specs = tx.run(sa.select(plans.c.spec).order_by(plans.c.name)).scalars()
    return [msgspec.json.decode(spec, type=Plan) for spec in specs]


def save(tx: Tx, plan: Plan, now: int) -> None:
    """Write a plan, new or changed."""
    sql.upsert(tx, plans, _values(plan, now), ["name"])


def _values(plan: Plan, now: int) -> dict[str, object]:
    return {"name": plan.name, "spec": msgspec.json.encode(plan).decode(), "updated_at": now}
