"""What stands in the demo's account before anything happens: keys, templates, rules, customers."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec

from gatepost.base import ids
from gatepost.base.clock import DAY_MS
from gatepost.base.ids import AccountId, CustomerId
from gatepost.base.periods import Bucket
from gatepost.cli.demo.cast import ADA, COMPANIES, DOMAIN, MARA, OUTSIDE, SENDER
from gatepost.cli.local import Local
from gatepost.dialects.native import ruletext
from gatepost.dialects.native.rulewire import NewRuleIn
from gatepost.domains.audit.model import Actor
from gatepost.domains.customers.model import CustomerQuota, Metric, Mode
from gatepost.domains.emaildomains.model import Finding, Purpose, RecordStatus
from gatepost.domains.endpoints.model import Endpoint
from gatepost.domains.gatekeys.model import GateQuota
from gatepost.domains.keys.model import Key
from gatepost.domains.outbox.policy import PRESETS
from gatepost.domains.projects.model import Project
from gatepost.domains.rules.model import Rule, Way
from gatepost.domains.suppressions.model import Why
from gatepost.engine import enlist, enroll, govern, keyring, mint, post, publish, tenancy, vouch
from gatepost.engine.enlist import NewEndpoint, Safe
from gatepost.engine.enroll import NewCustomer
from gatepost.engine.keyring import NewKey
from gatepost.engine.mint import NewGateKey
from gatepost.engine.publish import NewTemplate
from gatepost.engine.vouch import NewDomain
from gatepost.engine.ways import Means
from gatepost.limiter.contract import Window
from gatepost.storage.db import Tx

Act = Callable[[Tx, int], object]
"""Something done at a moment (ms)."""

SHOP, STAGING = "Shop", "Staging"
SECRET_BYTES = 32
KEYS = (
    # name, scopes, project, days ago
    ("shop backend", ("events", "messages:send"), SHOP, 88),
    ("web storefront", ("events:write",), SHOP, 88),
    ("data export", ("read",), None, 70),
    ("metering", ("customers:read", "usage:read"), None, 60),
    ("staging", ("events",), STAGING, 50),
    ("old importer", ("full",), SHOP, 86),
)
ENDPOINTS = (
    # name, path, types
    ("Fulfilment", "orders", ("event.orders", "event.shipping")),
    ("Deploy board", "deploys", ("event.deploys",)),
    ("CRM", "crm", ("event.signups", "event.subscriptions")),
)
TEMPLATES = (
    (
        "order-confirmation",
        "Order confirmation",
        "Your order {{ order }} is on its way to the roaster",
    ),
    ("alert", "Alert", "{{ title }}"),
    ("invoice", "Invoice", "Your invoice for {{ month }}"),
)
QUOTAS = {"starter": 2_000, "team": 20_000, "scale": 150_000}
SUPPRESSED = (
    (f"old.address@{OUTSIDE}", Why.BOUNCE, "550 5.1.1 No such user here", 40),
    (f"full.mailbox@{OUTSIDE}", Why.BOUNCE, "552 5.2.2 Mailbox full", 22),
    (f"annoyed@{OUTSIDE}", Why.COMPLAINT, "Reported as junk", 15),
    (f"bye@{OUTSIDE}", Why.UNSUBSCRIBE, "One-click unsubscribe", 9),
    (f"press@{DOMAIN}", Why.RECIPIENT, "Asked on the phone", 3),
)


class Stage:
    """The account and what is in it, as it is filled."""

    def __init__(self, local: Local, account_id: AccountId, now: int) -> None:
        """Begin with an account that has nothing; `now` is when the demo ends."""
        self.local = local
        self.account_id = account_id
        self.now = now
        self.means = Means(local.settings, local.pepper)
        self.safe = Safe(local.pepper)
        self.projects: dict[str, Project] = {}
        self.keys: dict[str, Key] = {}
        self.endpoints: dict[str, Endpoint] = {}
        self.rules: dict[str, tuple[Rule, Way]] = {}
        self.customers: dict[str, CustomerId] = {}

    def ago(self, days: float) -> int:
        """A moment so many days before the end (ms)."""
        return self.now - round(days * DAY_MS)

    def build(self) -> None:
        """Make all of it, in the order in which it came to be."""
        pair = vouch.make_pair()
        acts: list[tuple[float, Act]] = [
            (89.9, self._projects),
            (87, partial(self._domain, pair)),
            (86, self._templates),
            (80, self._endpoints),
            (79, self._rules),
            (75, self._customers),
            (65, self._gate_keys),
            (12, self._draft),
            *((one[3], partial(self._key, one)) for one in KEYS),
            *((one[3], partial(self._suppress, one)) for one in SUPPRESSED),
        ]
        with self.local.write() as tx:
            for days, act in sorted(acts, key=lambda pair: -pair[0]):
                act(tx, self.ago(days))

    def finish(self) -> None:
        """What was done last: an endpoint and a key are ended, a rule is quiet for a while."""
        with self.local.write() as tx:
            old, web = self.keys["old importer"], self.keys["web storefront"]
            keyring.delete(tx, self.account_id, old.id, actor=who(ADA), now=self.ago(2.1))
            changes = keyring.KeyChanges(limits=(Window("600-60s", 600, 60),))
            keyring.update(tx, self.account_id, web.id, changes, actor=who(MARA), now=self.ago(1.4))
            muted = self.rules["Feedback below 7"][0]
            until = self.now + 3 * DAY_MS
            govern.mute(tx, self.account_id, muted.id, until, who(ADA), self.ago(0.3))
            for name in self.endpoints:
                self._switch_off(tx, name)

    def _switch_off(self, tx: Tx, name: str) -> None:
        """Nothing more is sent to any of them: they lead nowhere."""
        one = self.endpoints[name]
        enlist.disable(tx, self.account_id, one.id, who(MARA), self.ago(0.01))

    def _projects(self, tx: Tx, at: int) -> None:
        for name in (SHOP, STAGING):
            counting = name == SHOP
            self.projects[name] = tenancy.create_project(
                tx, self.account_id, name, who(ADA), at, counting=counting
            )

    def _key(self, one: tuple[str, tuple[str, ...], str | None, float], tx: Tx, at: int) -> None:
        name, scopes, project, _ = one
        new = NewKey(
            account_id=self.account_id,
            name=name,
            scopes=scopes,
            project_id=None if project is None else self.projects[project].id,
            expires_at=self.now + 30 * DAY_MS if name == "data export" else None,
        )
        made = keyring.create(tx, new, pepper=self.local.pepper, actor=who(ADA), now=at)
        self.keys[name] = made.key

    def _domain(self, pair: vouch.KeyPair, tx: Tx, at: int) -> None:
        """One that this installation trusts: nobody looks its records up."""
        new = NewDomain(name=DOMAIN, selector="gatepost", label="bounces", pair=pair, trusted=True)
        made = vouch.create(tx, self.account_id, new, self.local.pepper, who(ADA), at)
        found = {
            Purpose.DKIM: Finding(RecordStatus.OK),
            Purpose.SPF: Finding(RecordStatus.OK),
            Purpose.RETURN_PATH: Finding(RecordStatus.MISSING, "There is no such record"),
            Purpose.DMARC: Finding(RecordStatus.MISSING, "There is no such record"),
        }
        vouch.settle(tx, self.account_id, made.id, found, vouch.CHECKER, at)

    def _templates(self, tx: Tx, at: int) -> None:
        for alias, name, subject in TEMPLATES:
            publish.create(tx, self.account_id, _template(alias, name, subject), who(MARA), at)

    def _draft(self, tx: Tx, at: int) -> None:
        """A version that is not published yet."""
        draft = msgspec.structs.replace(
            _template("invoice", "Invoice", "Invoice {{ month }}"), publish=False
        )
        publish.create(tx, self.account_id, draft, who(MARA), at)

    def _endpoints(self, tx: Tx, at: int) -> None:
        for name, path, types in ENDPOINTS:
            new = NewEndpoint(
                project_id=self.projects[SHOP].id,
                name=name,
                url=f"https://{path}.{OUTSIDE}/hooks/gatepost",
                types=types,
                policy=PRESETS["short"],
            )
            secret = "whsec_" + secrets.token_urlsafe(SECRET_BYTES)
            made = enlist.create(tx, self.account_id, new, secret, self.safe, who(MARA), at)
            self.endpoints[name] = made.endpoint

    def _rules(self, tx: Tx, at: int) -> None:
        board = ids.show("endpoint", self.endpoints["Deploy board"].id)
        for wire in rules(board, enabled=not self.local.settings.smtp_url):
            given = msgspec.convert(wire, NewRuleIn)
            new = ruletext.read_new(given, self.projects[SHOP].id, self.local.settings)
            made = govern.create(tx, self.account_id, new, self.means, who(MARA), at)
            self.rules[made.name] = (made, new.way)

    def _customers(self, tx: Tx, at: int) -> None:
        for identifier, name, plan in COMPANIES:
            new = NewCustomer(identifier, name, {"plan": plan, "since": "2025"})
            made = enroll.register(tx, self.account_id, new, who(MARA), at)
            quota = CustomerQuota(
                metric=Metric.UNITS,
                limit=QUOTAS[plan],
                period=Bucket.MONTH,
                mode=Mode.HARD if plan == "starter" else Mode.SOFT,
                thresholds=(80, 100),
            )
            enroll.set_quota(tx, self.account_id, made.id, quota, who(MARA), at)
            self.customers[identifier] = made.id

    def _gate_keys(self, tx: Tx, at: int) -> None:
        for identifier, name, plan in COMPANIES[:5]:
            new = NewGateKey(
                account_id=self.account_id,
                project_id=self.projects[SHOP].id,
                name=f"{name}: production",
                prefix="lumen",
                scopes=("catalogue:read", "orders:write") if plan != "starter" else (),
                limits=(Window("120-60s", 120, 60),),
                quota=GateQuota(limit=QUOTAS[plan], period=Bucket.MONTH),
                customer_id=self.customers[identifier],
            )
            mint.create(tx, new, pepper=self.local.pepper, actor=who(MARA), now=at)

    def _suppress(self, one: tuple[str, Why, str, float], tx: Tx, at: int) -> None:
        address, why, reason, _ = one
        actor = who(MARA) if why is Why.RECIPIENT else post.SYSTEM
        post.stop(tx, self.account_id, address, why, reason, actor, at)


def _template(alias: str, name: str, subject: str) -> NewTemplate:
    return NewTemplate(
        alias=alias,
        name=name,
        subject=subject,
        html=HTML[alias],
        text=TEXT[alias],
        sender=SENDER,
    )


def who(name: str) -> Actor:
    """Somebody of the shop, who is no operator of this installation."""
    return Actor("operator", "", name, "203.0.113.7")


def rules(endpoint: str, *, enabled: bool) -> list[dict[str, Any]]:
    """The rules as the API takes them. Unless `enabled` none of them sends mails: they would leave
    this machine.
    """

    def mail(*names: str) -> dict[str, Any]:
        return {"email": {"to": [f"{name}@{DOMAIN}" for name in names], "template": "alert"}}

    return [
        {
            "name": "Large orders",
            "match": {"channels": ["orders"], "tags": {"all": ["large"]}},
            "to": [mail("orders")],
            "text": {"title": "Large: {{ event.title }}"},
            "enabled": enabled,
        },
        {
            "name": "Payment failed",
            "match": {"channels": ["payments"], "tags": {"all": ["failed"]}},
            "to": [mail("billing")],
            "enabled": enabled,
        },
        {
            "name": "Checkout is failing",
            "match": {"channels": ["errors"], "tags": {"any": ["card_declined", "bank_timeout"]}},
            "when": {"type": "threshold", "count": 20, "minutes": 10},
            "to": [mail("oncall")],
            "escalate": [{"afterMinutes": 15, "to": [mail("ada")]}],
            "priority": "high",
            "enabled": enabled,
        },
        {
            "name": "Deploys",
            "match": {"channels": ["deploys"], "tags": {"none": ["staging"]}},
            "to": [{"endpoint": endpoint}],
            "enabled": False,
        },
        {
            "name": "Feedback below 7",
            "match": {"channels": ["feedback"], "tags": {"any": ["4", "5", "6"]}},
            "to": [mail("support")],
            "quiet": {"from": "20:00", "to": "07:00", "timezone": "Europe/Berlin"},
            "enabled": enabled,
        },
        {
            "name": "Sign-ups of the day",
            "match": {"channels": ["signups"]},
            "digest": {"at": "08:00", "timezone": "Europe/Berlin"},
            "to": [mail("team")],
            "enabled": enabled,
        },
        {
            "name": "No orders for two hours",
            "match": {"channels": ["orders"]},
            "when": {
                "type": "absence",
                "minutes": 120,
                "during": {"from": "08:00", "to": "20:00", "timezone": "Europe/Berlin"},
            },
            "to": [mail("oncall")],
            "enabled": False,
        },
    ]


_PAGE = """<div style="font-family: sans-serif; max-width: 32em; margin: 2em auto">
<h1 style="color: #6f4e37">Lumen Coffee</h1>
{}
<p style="color: #777; font-size: 0.8em">Lumen Coffee, Roastery Lane 7. Made up for a demo.</p>
</div>"""
HTML = {
    "order-confirmation": _PAGE.format(
        "<p>Thank you, {{ name }}!</p><p>We roast your order <b>{{ order }}</b> tomorrow:"
        " {{ coffee }}, {{ amount }}.</p>"
    ),
    "alert": _PAGE.format("<h2>{{ title }}</h2><p>{{ body }}</p>"),
    "invoice": _PAGE.format("<p>Your invoice for {{ month }}: {{ amount }}.</p>"),
}
TEXT = {
    "order-confirmation": "Thank you, {{ name }}! We roast your order {{ order }} tomorrow.",
    "alert": "{{ title }}\n\n{{ body }}",
    "invoice": "Your invoice for {{ month }}: {{ amount }}.",
}
