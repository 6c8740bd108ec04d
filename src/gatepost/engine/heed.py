"""Heed: somebody takes notice of an alert, so that nobody else is told. It is audited."""

from __future__ import annotations

from gatepost.base import ids
from gatepost.base.ids import AccountId, AlertId
from gatepost.domains.audit import store as audit
from gatepost.domains.audit.model import Actor, Target
from gatepost.domains.rules import alerts_store
from gatepost.domains.rules.alerts import Alert
from gatepost.storage.db import Tx


def acknowledge(tx: Tx, account_id: AccountId, alert_id: AlertId, actor: Actor, now: int) -> Alert:
    """Note who has taken notice; whoever comes later changes nothing. Raises NOT_FOUND."""
    alert = alerts_store.get(tx, account_id, alert_id)
    if alerts_store.acknowledge(tx, account_id, alert_id, actor.name, now):
        target = Target(ids.show("alert", alert_id), alert.words.title, alert.project_id)
        audit.append(tx, account_id, actor, "alert.acknowledge", target, now=now)
    return alerts_store.get(tx, account_id, alert_id)
