"""Onboard: make what a newcomer needs to send a first event."""

from __future__ import annotations

import msgspec

from gatepost.base import crypto, ids
from gatepost.base.ids import KeyId
from gatepost.domains.accounts import store as accounts
from gatepost.domains.accounts.model import Account
from gatepost.domains.audit import store as audit
from gatepost.domains.audit.model import Actor
from gatepost.domains.keys import store as keys
from gatepost.domains.keys.model import Format, Key, mint, start_of
from gatepost.domains.plans import store as plans
from gatepost.domains.projects import store as projects
from gatepost.domains.projects.model import Project
from gatepost.engine import access
from gatepost.storage.db import Tx

ACCOUNT = "Gatepost"
PROJECT = "Default"
KEY = "first key"
SYSTEM = Actor("system", "", "first run")


class Onboarded(msgspec.Struct, frozen=True):
    """What the first run made; the key's secret and that of the link by which the first operator
    comes in are known here and nowhere else.
    """

    account: Account
    project: Project
    key: Key
    secret: str
    link: str


def onboard(tx: Tx, pepper: bytes, now: int) -> Onboarded | None:
    """Make account, project and a full key, unless an account exists already."""
    plans.add_presets(tx, now)
    founded = found(tx, now)
    if founded is None:
        return None
    account, project = founded
    secret = mint(Format.NATIVE)
    key = Key(
        id=KeyId(ids.new()),
        account_id=account.id,
        project_id=None,
        name=KEY,
        format=Format.NATIVE,
        scopes=("full",),
        start=start_of(secret),
        created_at=now,
        updated_at=now,
    )
    keys.append(tx, key, crypto.digest(pepper, secret))
    target = (ids.show("key", key.id), key.name)
    audit.append(tx, account.id, SYSTEM, "key.create", target, now=now)
    link = access.founding_link(tx, account.id, pepper, now)
    return Onboarded(account, project, key, secret, link)


def found(tx: Tx, now: int) -> tuple[Account, Project] | None:
    """Make the first account and its project, unless an account exists already."""
    if accounts.any_(tx):
        return None
    account = accounts.create(tx, ACCOUNT, "default", now)
    project = projects.create(tx, account.id, PROJECT, now)
    for action, target in (
        ("account.create", (ids.show("account", account.id), account.name)),
        ("project.create", (ids.show("project", project.id), project.name)),
    ):
        audit.append(tx, account.id, SYSTEM, action, target, now=now)
    return account, project
