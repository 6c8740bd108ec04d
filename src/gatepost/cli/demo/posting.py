"""What the demo has told: messages, their deliveries, every try, by the verbs that a pump uses.

Nothing is sent: how a try went is made up. Its queues are this command's for as long as it takes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from random import Random
from typing import NamedTuple

import msgspec

from gatepost.base import ids
from gatepost.base.clock import DAY_MS, MINUTE_MS, now_ms
from gatepost.base.ids import AlertId, MailId
from gatepost.cli.demo.cast import MARA, Person
from gatepost.cli.demo.made_up import outcome
from gatepost.cli.demo.stage import SHOP, Stage, who
from gatepost.cli.demo.story import Said
from gatepost.delivery.email.letter import Letter
from gatepost.delivery.email.writing import Writer
from gatepost.domains.events.model import Event
from gatepost.domains.mailbox import store as mailbox
from gatepost.domains.mailbox.model import Mail as Caught
from gatepost.domains.outbox import queues
from gatepost.domains.outbox.model import Delivery, Message, State, Transport
from gatepost.domains.outbox.queues import Place
from gatepost.domains.rules import alerts_store, alerts_words
from gatepost.domains.rules.alerts import Alert as Opened
from gatepost.domains.rules.model import Text, Threshold
from gatepost.domains.rules.timing import Crossed
from gatepost.engine import alerts, dispatch, heed, payloads
from gatepost.engine.alerts import Alert
from gatepost.engine.compose import email
from gatepost.engine.compose.mail import Envelope, Mail, Written
from gatepost.engine.jobs import Room, Sent
from gatepost.engine.notify import Notify, notify, to_endpoint
from gatepost.storage.db import Tx

LEASE_MS = 10 * MINUTE_MS
ROOM = 50
BATCH = 60
SINCE_DAYS = 28
LISTENING = {
    "orders": "Fulfilment",
    "deploys": "Deploy board",
    "signups": "CRM",
    "subscriptions": "CRM",
}
TAGGED = {"large": "Large orders", "failed": "Payment failed"}
FAILING = "Checkout is failing"
ENDPOINT_SHARE, ALERT_SHARE, MAIL_SHARE = 0.045, 0.25, 0.03
CAUGHT_MAX = 40
BURSTS = ((20.2, 9.0), (6.12, 0.4), (0.11, None))
"""How many days ago checkouts failed, and after how many minutes somebody took notice."""


class Post(NamedTuple):
    """Something to be told: of an event, at a moment (ms), by an endpoint, a rule or a template."""

    at: int
    way: str
    said: Said
    event: Event


class Posting:
    """Tells, and makes up how it went."""

    def __init__(self, stage: Stage, random: Random) -> None:
        """Own no queue yet."""
        self._stage = stage
        self._random = random
        self._owner = ids.new()
        self._fences: dict[Place, int] = {}
        self._mails: list[tuple[Message, Delivery]] = []

    def choose(self, happened: Sequence[tuple[Said, Event]]) -> list[Post]:
        """What is told of some events."""
        found = []
        for said, event in happened:
            at, luck = ids.time_of(event.id) + self._random.randint(150, 900), self._random.random()
            if at < self._stage.ago(SINCE_DAYS):
                continue
            if luck < ENDPOINT_SHARE and said.channel in LISTENING:
                found.append(Post(at, LISTENING[said.channel], said, event))
            if luck < ALERT_SHARE:
                ways = [TAGGED[one] for one in said.tags if one in TAGGED]
                found += [Post(at, way, said, event) for way in ways]
            if luck < MAIL_SHARE and said.channel == "orders":
                found.append(Post(at, "mail", said, event))
        return found

    def tell(self, posts: Sequence[Post]) -> None:
        """Tell in the order of time, in batches."""
        ordered = sorted(posts, key=lambda one: one.at)
        for first in range(0, len(ordered), BATCH):
            with self._stage.local.write() as tx:
                for post in ordered[first : first + BATCH]:
                    self._tell(tx, post)
        with self._stage.local.write() as tx:
            for days, minutes in BURSTS:
                self._burst(tx, self._stage.ago(days), minutes)
            self._later(tx)
            queues.release(tx, self._owner, now_ms())
        self._catch()

    def _tell(self, tx: Tx, post: Post) -> None:
        if post.way == "mail":
            command = self._mail(tx, post)
        elif post.way in self._stage.endpoints:
            command = self._webhook(post)
        else:
            (command,) = self._alert(tx, post)
        self._send(tx, [command], post.way)

    def _send(self, tx: Tx, commands: Sequence[Notify], way: str) -> None:
        for command, told in zip(commands, notify(tx, commands), strict=True):
            for one in told.deliveries:
                self._deliver(tx, one, command.now, way)
                if one.transport is Transport.EMAIL:
                    self._mails.append((told.message, one))

    def _webhook(self, post: Post) -> Notify:
        endpoint = self._stage.endpoints[post.way]
        return Notify(
            account_id=endpoint.account_id,
            project_id=endpoint.project_id,
            now=post.at,
            type=payloads.type_of(post.event),
            body=payloads.of_event(post.event),
            targets=(to_endpoint(endpoint),),
            event_id=post.event.id,
        )

    def _alert(self, tx: Tx, post: Post) -> list[Notify]:
        rule, way = self._stage.rules[post.way]
        text = alerts.plain_of(rule, post.event)
        data = {"event": payloads.shown(post.event)}
        alert = Alert(
            rule=rule, kind="event", text=text, to=way.to, data=data, event_id=post.event.id
        )
        return self._commands(tx, alert, post.at)

    def _commands(self, tx: Tx, alert: Alert, at: int) -> list[Notify]:
        """The messages of an alert, with ids of their time."""
        made = alerts.draft(tx, [alert], self._stage.means, at)
        return [msgspec.structs.replace(one, message_id=None) for one in made.commands]

    def _mail(self, tx: Tx, post: Post) -> Notify:
        user, known = post.said.user, post.said.metadata
        mail = Mail(
            to=(_address(user),),
            template="order-confirmation",
            variables={
                "name": user.name if user else "you",
                "order": known["order"],
                "coffee": post.said.description,
                "amount": f"{known['amount'] / 100:.2f} EUR",
            },
        )
        return self._of_mail(tx, mail, post.at)

    def _of_mail(self, tx: Tx, mail: Mail, at: int, send_at: int | None = None) -> Notify:
        stage = self._stage
        project_id = stage.projects[SHOP].id
        draft = email.compose(tx, stage.account_id, project_id, mail, stage.local.settings)
        return Notify(
            account_id=stage.account_id,
            project_id=project_id,
            now=at,
            type="message.email",
            body=draft.body,
            targets=draft.targets,
            send_at=send_at,
        )

    def _later(self, tx: Tx) -> None:
        """One mail waits for tomorrow, where it would be caught."""
        stage = self._stage
        if stage.local.settings.smtp_url:
            return
        variables = {"month": "this month", "amount": "41.60 EUR"}
        mail = Mail(to=(MARA,), template="invoice", variables=variables)
        at, later = stage.ago(0.05), stage.now + DAY_MS
        notify(tx, [self._of_mail(tx, mail, at, later)])

    def _burst(self, tx: Tx, at: int, minutes: float | None) -> None:
        """An alert that others are told of, until somebody takes notice."""
        rule, way = self._stage.rules[FAILING]
        words = alerts_words.of_threshold(rule.name, Threshold(20, 10), "", Crossed(at, 20))
        opened = Opened(
            account_id=rule.account_id,
            id=AlertId(ids.new_at(at)),
            project_id=rule.project_id,
            rule_id=rule.id,
            key="",
            words=words,
            opened_at=at,
            told_at=at,
        )
        alerts_store.add(tx, [opened])
        text, data = Text(words.title, words.body), {"alert": dict(words.facts)}
        alert = Alert(rule=rule, kind=words.kind, text=text, to=way.to, data=data)
        self._send(tx, self._commands(tx, alert, at), FAILING)
        if minutes is not None:
            seen = at + round(minutes * MINUTE_MS)
            heed.acknowledge(tx, rule.account_id, opened.id, who(MARA), seen)

    def _deliver(self, tx: Tx, one: Delivery, at: int, way: str) -> None:
        """Try a delivery as often as it is due, up to now."""
        place = Place(one.account_id, one.queue_id)
        fence, due = self._fence(tx, place), at
        while due <= self._stage.now:
            (claimed,) = dispatch.claim(tx, self._owner, [Room(place, fence, ROOM)], due)
            if not claimed.jobs:
                return
            later = []
            for job in claimed.jobs:
                how = outcome(self._random, way, job.delivery.attempts, self._stage.now - due)
                ended = due + how.duration_ms
                sent = Sent(job, how, self._owner, due, ended, ids.new_at(due))
                (end,) = dispatch.settle(tx, [sent])
                later += [end.due_at] if end is not None and end.state is State.PENDING else []
            due = min(later, default=self._stage.now + 1)

    def _fence(self, tx: Tx, place: Place) -> int:
        if place not in self._fences:
            now = now_ms()
            (mine,) = queues.adopt(tx, [place], self._owner, now, now + LEASE_MS)
            self._fences[place] = mine.fence
        return self._fences[place]

    def _catch(self) -> None:
        """Put the newest mails where those are that were caught."""
        stage = self._stage
        letters = [self._letter(*one) for one in self._mails[-CAUGHT_MAX:]]
        raws = asyncio.run(_raws([letter for letter, _ in letters]))
        most = stage.local.settings.mailbox_bytes_max
        with stage.local.write() as tx:
            for (letter, one), raw in zip(letters, raws, strict=True):
                mailbox.append(tx, _caught(letter, one, len(raw)), raw, most)

    def _letter(self, message: Message, one: Delivery) -> tuple[Letter, Delivery]:
        written = msgspec.json.decode(message.body or "", type=Written)
        envelope = msgspec.json.decode(one.target, type=Envelope)
        writer = Writer(self._stage.local.settings, self._stage.local.pepper)
        papers = writer.papers(message, one, written, envelope, {}, None)
        return Letter(ids.show("delivery", one.id), envelope.to, papers, None, ""), one


async def _raws(letters: Sequence[Letter]) -> list[bytes]:
    return [await one.raw() for one in letters]


def _caught(letter: Letter, one: Delivery, size: int) -> Caught:
    return Caught(
        account_id=one.account_id,
        id=MailId(ids.new_at(ids.time_of(one.id))),
        project_id=one.project_id,
        message_id=one.message_id,
        delivery_id=one.id,
        sender=letter.written.sender,
        recipient=letter.recipient,
        subject=letter.written.subject,
        size=size,
    )


def _address(user: Person | None) -> str:
    return MARA if user is None else user.email
