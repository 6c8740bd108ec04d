"""`/v1/mailers`: through whom an account sends its mails."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gatepost.base import clock, ids
from gatepost.base.config import Settings
from gatepost.base.errors import Code, invalid
from gatepost.base.ids import MailerId
from gatepost.delivery import addresses, urls
from gatepost.dialects.native import admin
from gatepost.dialects.native.admin import DeletedOut
from gatepost.dialects.native.envelope import ok
from gatepost.domains.mailers import model, store
from gatepost.domains.mailers.model import Mailer, MailerKind, Tls
from gatepost.engine import callbacks, post
from gatepost.engine.post import NOUN, NewMailer, Secrets
from gatepost.gate.once import Reply
from gatepost.gate.scopes import Scope
from gatepost.storage.db import Tx
from gatepost.web.contract import Call
from gatepost.web.validate import Body

KindOf = Annotated[
    MailerKind,
    Meta(description="A server that speaks SMTP, or a provider: SendGrid, Resend, Postmark, SES."),
]
Name = Annotated[str, Meta(max_length=model.NAME_MAX)]
Priority = Annotated[
    int,
    Meta(ge=0, le=model.PRIORITY_MAX, description="Lower ones are asked first."),
]
Enabled = Annotated[bool, Meta(description="Whether it is asked at all.")]
AnySender = Annotated[
    bool,
    Meta(
        description="Whether it judges by itself in whose name it sends. Otherwise the sender's "
        "domain must be a verified one of the account."
    ),
]
Host = Annotated[
    str,
    Meta(
        max_length=model.HOST_MAX,
        pattern=r"^[A-Za-z0-9.:-]*$",
        description="Of an SMTP server: a public one, unless the settings say otherwise.",
        examples=["smtp.example.com"],
    ),
]
Port = Annotated[
    int, Meta(ge=1, le=65535, description="Left out, 465 for `implicit`, 587 otherwise.")
]
TlsOf = Annotated[
    Tls,
    Meta(
        description="How a connection is made private: from its beginning (`implicit`), by "
        "STARTTLS (`required`), by STARTTLS where it is offered (`opportunistic`), or not."
    ),
]
Username = Annotated[
    str, Meta(max_length=model.USERNAME_MAX, description="Of SES, the id of the access key.")
]
Region = Annotated[
    str,
    Meta(
        max_length=40,
        pattern="^[a-z0-9-]*$",
        description="Of SES.",
        examples=["eu-central-1"],
    ),
]
Url = Annotated[
    str,
    Meta(
        max_length=model.URL_MAX,
        description="Instead of a provider's own address, that of something compatible.",
        examples=["https://mail.example.com"],
    ),
]
Stream = Annotated[
    str,
    Meta(
        max_length=model.STREAM_MAX,
        description="Postmark's message stream; empty means `outbound`.",
        examples=["outbound"],
    ),
]
Secret = Annotated[
    str,
    Meta(
        max_length=model.SECRET_MAX,
        description="A password, an API key, or the secret access key of SES. It is kept "
        "encrypted, and never shown.",
        examples=["SG.…"],
    ),
]


class NewMailerIn(msgspec.Struct, rename="camel", forbid_unknown_fields=True, frozen=True):
    """A mailer to be."""

    kind: KindOf
    name: Name = ""
    priority: Priority = 10
    enabled: Enabled = True
    any_sender: AnySender = False
    host: Host = ""
    port: Port | UnsetType = UNSET
    tls: TlsOf = Tls.REQUIRED
    username: Username = ""
    region: Region = ""
    url: Url = ""
    stream: Stream = ""
    secret: Secret = ""


class MailerChangesIn(msgspec.Struct, rename="camel", forbid_unknown_fields=True, frozen=True):
    """What to change; members left out stay as they are. Where it leads elsewhere, its secret is
    to be given again.
    """

    name: Name | UnsetType = UNSET
    priority: Priority | UnsetType = UNSET
    enabled: Enabled | UnsetType = UNSET
    any_sender: AnySender | UnsetType = UNSET
    host: Host | UnsetType = UNSET
    port: Port | UnsetType = UNSET
    tls: TlsOf | UnsetType = UNSET
    username: Username | UnsetType = UNSET
    region: Region | UnsetType = UNSET
    url: Url | UnsetType = UNSET
    stream: Stream | UnsetType = UNSET
    secret: Secret | UnsetType = UNSET


class MailerOut(msgspec.Struct, rename="camel"):
    """A mailer, without its secret."""

    id: str
    kind: KindOf
    name: Name
    priority: Priority
    enabled: Enabled
    any_sender: AnySender
    host: Host
    port: int
    tls: TlsOf
    username: Username
    region: Region
    url: Url
    stream: Stream
    has_secret: Annotated[bool, Meta(description="Whether it was given one.")]
    callback_url: Annotated[
        str | None,
        Meta(
            description="Where its provider is to report bounces and complaints; whoever knows "
            "it may report. Null for a server that speaks SMTP."
        ),
    ]
    created_at: str
    updated_at: str


class MailersOut(msgspec.Struct):
    """All mailers of an account, in the order in which they are asked."""

    mailers: list[MailerOut]


class Change(msgspec.Struct, frozen=True):
    """What to change of which mailer."""

    mailer_id: MailerId
    values: dict[str, Any]


_new_body = Body(NewMailerIn)
_changes_body = Body(MailerChangesIn)


def parse_new(call: Call, body: bytes) -> NewMailer:
    """Read a mailer to be; raises INVALID."""
    return read_new(call.services.settings, _new_body.decode(body))


def create(tx: Tx, call: Call, command: NewMailer) -> Reply:
    """Make a mailer."""
    admin.grantor(tx, call)
    account_id, secrets = call.caller.account_id, Secrets(call.services.pepper)
    made = post.create(tx, account_id, command, secrets, call.actor, call.now)
    return ok(call, _shown(call, made), 201)


def parse_nothing(_call: Call, _body: bytes) -> None:
    """There is nothing to read."""


def list_(tx: Tx, call: Call, _command: None) -> Reply:
    """All mailers."""
    return ok(
        call, MailersOut([_shown(call, one) for one in store.list_(tx, call.caller.account_id)])
    )


def parse_id(call: Call, _body: bytes) -> MailerId:
    """Read the id in the path; raises NOT_FOUND."""
    return MailerId(ids.parse(NOUN, call.params["id"]))


def get(tx: Tx, call: Call, mailer_id: MailerId) -> Reply:
    """Read one mailer."""
    return ok(call, _shown(call, store.get(tx, call.caller.account_id, mailer_id)))


def parse_changes(call: Call, body: bytes) -> Change:
    """Read what to change; raises INVALID, or NOT_FOUND."""
    mailer_id = parse_id(call, body)
    return Change(mailer_id, read_changes(call.services.settings, _changes_body.decode(body)))


def update(tx: Tx, call: Call, command: Change) -> Reply:
    """Change a mailer."""
    admin.grantor(tx, call)
    account_id, secrets = call.caller.account_id, Secrets(call.services.pepper)
    changed = post.change(
        tx, account_id, command.mailer_id, command.values, secrets, call.actor, call.now
    )
    return ok(call, _shown(call, changed))


def delete(tx: Tx, call: Call, mailer_id: MailerId) -> Reply:
    """End a mailer."""
    admin.grantor(tx, call)
    gone = post.end(tx, call.caller.account_id, mailer_id, call.actor, call.now)
    return ok(call, DeletedOut(ids.show(NOUN, gone.id), gone.name))


def show(mailer: Mailer, callback_url: str | None) -> MailerOut:
    """Write a mailer for the wire."""
    return MailerOut(
        ids.show(NOUN, mailer.id),
        mailer.kind,
        mailer.name,
        mailer.priority,
        mailer.enabled,
        mailer.any_sender,
        mailer.host,
        mailer.port,
        mailer.tls,
        mailer.username,
        mailer.region,
        mailer.url,
        mailer.stream,
        bool(mailer.secret),
        callback_url,
        clock.iso(mailer.created_at),
        clock.iso(mailer.updated_at),
    )


def _shown(call: Call, mailer: Mailer) -> MailerOut:
    services = call.services
    return show(mailer, callbacks.link(services.settings, services.pepper, mailer))


def read_new(settings: Settings, body: NewMailerIn) -> NewMailer:
    """Read a mailer to be; raises INVALID."""
    return NewMailer(**_checked(settings, body))


def read_changes(settings: Settings, body: MailerChangesIn) -> dict[str, Any]:
    """Read what to change; raises INVALID."""
    return _checked(settings, body)


def _checked(settings: Settings, body: NewMailerIn | MailerChangesIn) -> dict[str, Any]:
    """What was given; raises INVALID for what may not be reached, as far as that can be seen."""
    values = msgspec.structs.asdict(body)
    given = {name: value for name, value in values.items() if value is not UNSET}
    host, url = given.get("host", ""), given.get("url", "")
    wrong = urls.problem(url, settings) if url else ""
    if wrong:
        raise invalid((["url"], wrong))
    literal = addresses.is_literal(host)
    if literal and not addresses.is_allowed(host, settings.deliverable()):
        detail = "Must be a public address, or in a network of the setting delivery_networks"
        raise invalid((["host"], detail))
    return given


_endpoint = admin.managing("Mailers", Scope.DOMAINS_READ, Scope.DOMAINS_WRITE)


ENDPOINTS = (
    _endpoint(
        "createMailer",
        "POST",
        "/v1/mailers",
        summary="Make a mailer",
        description="From now on the account's mails leave through its mailers alone: one after "
        "the other is asked until one takes a mail.",
        parse=parse_new,
        run=create,
        status=201,
        request=NewMailerIn,
        response=MailerOut,
        example={"kind": "sendgrid", "secret": "SG.…", "priority": 1},
        errors=(Code.CONFLICT, Code.IDEMPOTENCY_CONFLICT),
    ),
    _endpoint(
        "listMailers",
        "GET",
        "/v1/mailers",
        summary="List mailers",
        description="In the order in which they are asked.",
        parse=parse_nothing,
        run=list_,
        response=MailersOut,
    ),
    _endpoint(
        "getMailer",
        "GET",
        "/v1/mailers/{id}",
        summary="Read a mailer",
        parse=parse_id,
        run=get,
        response=MailerOut,
        errors=(Code.NOT_FOUND,),
    ),
    _endpoint(
        "updateMailer",
        "PATCH",
        "/v1/mailers/{id}",
        summary="Change a mailer",
        parse=parse_changes,
        run=update,
        request=MailerChangesIn,
        response=MailerOut,
        example={"priority": 2},
        errors=(Code.NOT_FOUND, Code.IDEMPOTENCY_CONFLICT),
    ),
    _endpoint(
        "deleteMailer",
        "DELETE",
        "/v1/mailers/{id}",
        summary="End a mailer",
        parse=parse_id,
        run=delete,
        response=DeletedOut,
        errors=(Code.NOT_FOUND, Code.IDEMPOTENCY_CONFLICT),
    ),
)
