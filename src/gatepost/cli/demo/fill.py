"""Fills the demo's account, once."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import msgspec

from gatepost.base.clock import DAY_MS, HOUR_MS
from gatepost.base.errors import AppError, Code
from gatepost.base.ids import AccountId
from gatepost.cli.common import USAGE, Failure
from gatepost.cli.demo import cast
from gatepost.cli.demo.posting import Post, Posting
from gatepost.cli.demo.stage import Stage
from gatepost.cli.demo.stream import Stream
from gatepost.cli.local import Local
from gatepost.domains.accounts import store as accounts
from gatepost.domains.accounts.model import Account
from gatepost.domains.events import store as events_store
from gatepost.domains.installation import store as installation
from gatepost.domains.outbox import attempts
from gatepost.domains.usage import store as usage
from gatepost.engine import onboard, tenancy
from gatepost.storage.db import Tx

MARK, WHOLE = "demo", "demo filled"
"""What the installation agrees on: which account is the demo's, as hex, and that it is filled."""
DAYS = 90
EVENTS_MAX = 2_000_000
PEOPLE_MAX = 400
PLAN = "default"

Step = Callable[[str], None] | None


class Made(msgspec.Struct, frozen=True):
    """The demo's account, whether it is new, and a link that lets its first operator in."""

    account: Account
    fresh: bool
    link: str | None = None
    operators: tuple[str, ...] = ()


def find(tx: Tx) -> Account | None:
    """Look up the demo's account."""
    known = installation.find(tx, MARK)
    return None if known is None else accounts.find(tx, AccountId(bytes.fromhex(known)))


def ensure(local: Local, name: str, events: int, seed: int, say: Step) -> Made:
    """Make the account and fill it, unless it is there; raises Failure."""
    if not 1 <= events <= EVENTS_MAX:
        raise Failure(f"--events is a number up to {EVENTS_MAX:,}", USAGE)
    now = local.now()
    with local.write() as tx:
        account = find(tx)
        if account is not None and installation.find(tx, WHOLE) is None:
            raise Failure("the demo was cut off half-way: --remove it, then make it again")
        if account is not None:
            return Made(account, fresh=False)
        onboard.found(tx, now)  # whoever tries the demo first has an account of their own besides
        account = _account(tx, local, name, now)
    _fill(local, account, events, seed, now, say or (lambda _: None))
    return Made(account, fresh=True)


def _account(tx: Tx, local: Local, name: str, now: int) -> Account:
    try:
        made = tenancy.create_account(tx, name, PLAN, local.actor, now - DAYS * DAY_MS)
    except AppError as refusal:
        if refusal.code is not Code.CONFLICT:
            raise
        text = f"an account named {name!r} is there already: choose another one by --account"
        raise Failure(text) from None
    installation.settle(tx, MARK, made.id.hex())
    return made


def _fill(
    local: Local, account: Account, events: int, seed: int, now: int, say: Callable[[str], None]
) -> None:
    random = Random(seed)  # noqa: S311 # a story, no secret
    stage = Stage(local, account.id, now)
    crowd = cast.people(random, min(max(events // 40, 5), PEOPLE_MAX))
    kept = min(DAYS, local.settings.events_days or DAYS)
    start = now - kept * DAY_MS + HOUR_MS
    with local.write() as tx:
        _make_room(tx, now)
    say("Keys, templates, rules, customers")
    stage.build()
    stream, posting = Stream(stage, random, crowd), Posting(stage, random)
    say("People and events")
    stream.people()
    posts: list[Post] = []
    for some in stream.events(start, events):
        posts += posting.choose(some)
    say("Counts, usage and refusals")
    stream.counts(start)
    stream.usage(start)
    stream.refusals()
    say("Messages and their deliveries")
    posting.tell(posts)
    stage.finish()
    with local.write() as tx:
        installation.settle(tx, WHOLE, str(now))


def _make_room(tx: Tx, now: int) -> None:
    """A server would have done it, if one had run."""
    for store in (events_store, attempts, usage):
        store.make_parts(tx, now)
