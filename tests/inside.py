"""Accounts, projects and keys, made from within the process of the tests.

The command line does it with the same verbs, but opens the installation anew each time, which
takes longer than many a test.
"""

import contextlib
import os
import threading
from collections.abc import Iterator, Mapping
from typing import Self

from gatepost.base import ids
from gatepost.cli.common import Common
from gatepost.cli.local import Local, open_folder
from gatepost.domains.keys.model import Format
from gatepost.domains.plans.model import parse_limits
from gatepost.engine import aggregate, keyring, tenancy


class Inside:
    """The way into one installation, open for as long as this object lives."""

    def __init__(self, local: Local) -> None:
        self._local = local

    @classmethod
    def of(cls, env: Mapping[str, str]) -> Self:
        """Open what a program with this environment would serve."""
        with _ONE_AT_A_TIME, _environment(env):
            return cls(open_folder(Common(), create=True))

    def make_account(self, name: str, plan: str) -> str:
        local = self._local
        with local.write() as tx:
            made = tenancy.create_account(tx, name, plan, local.actor, local.now())
        return ids.show("account", made.id)

    def make_project(self, account: str, name: str) -> str:
        local, owner = self._local, _account(account)
        with local.write() as tx:
            made = tenancy.create_project(tx, owner, name, local.actor, local.now())
        return ids.show("project", made.id)

    def make_aggregator(self, account: str, name: str) -> str:
        local, owner = self._local, _account(account)
        with local.write() as tx:
            made = aggregate.create_aggregator(tx, owner, name, local.actor, local.now())
        return ids.show("aggregator", made.id)

    def make_key(
        self,
        account: str,
        project: str | None,
        name: str,
        *,
        limit: str | None,
        scope: str,
        key_format: str,
    ) -> tuple[str, str]:
        """The id and the secret of a new key."""
        local = self._local
        wanted = keyring.NewKey(
            account_id=_account(account),
            name=name,
            format=Format(key_format),
            scopes=(scope,),
            project_id=None if project is None else _project(project),
            limits=None if limit is None else parse_limits(limit),
        )
        with local.write() as tx:
            made = keyring.create(
                tx, wanted, pepper=local.pepper, actor=local.actor, now=local.now()
            )
        return ids.show("key", made.key.id), made.secret


def _account(text: str) -> ids.AccountId:
    return ids.AccountId(ids.parse("account", text))


def _project(text: str) -> ids.ProjectId:
    return ids.ProjectId(ids.parse("project", text))


_ONE_AT_A_TIME = threading.Lock()


@contextlib.contextmanager
def _environment(env: Mapping[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update(env)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
