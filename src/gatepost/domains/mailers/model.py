"""What a mailer is. Pure."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import msgspec

from gatepost.base.errors import invalid
from gatepost.base.ids import AccountId, MailerId

NAME_MAX = 100
HOST_MAX = 253
SECRET_MAX = 1000
USERNAME_MAX = 320
URL_MAX = 500
STREAM_MAX = 100
PRIORITY_MAX = 1000
PORTS = {"implicit": 465}
PORT = 587


class MailerKind(StrEnum):
    """Whose interface it has."""

    SMTP = "smtp"
    SENDGRID = "sendgrid"
    RESEND = "resend"
    POSTMARK = "postmark"
    SES = "ses"


class Tls(StrEnum):
    """How a connection to an SMTP server is made private: from its beginning, by STARTTLS, by
    STARTTLS where the server offers it, or not at all.
    """

    IMPLICIT = "implicit"
    REQUIRED = "required"
    OPPORTUNISTIC = "opportunistic"
    NONE = "none"


class Mailer(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who takes mails. Times in ms; those with a lower `priority` are asked first.

    `secret` is sealed: a password, an API key, or the secret of the access key `username`. With
    `any_sender` it is trusted to judge itself whom it sends for. `url` replaces a provider's own
    address, `stream` is Postmark's.
    """

    account_id: AccountId
    id: MailerId
    name: str
    kind: MailerKind
    priority: int
    enabled: bool
    any_sender: bool
    host: str
    port: int
    tls: Tls
    username: str
    region: str
    url: str
    stream: str
    secret: bytes
    created_at: int
    updated_at: int


def check(mailer: Mailer, *, has_secret: bool) -> None:
    """Refuse one that could not send; raises INVALID."""
    smtp = mailer.kind is MailerKind.SMTP
    wanted = {
        "host": smtp and not mailer.host,
        "username": mailer.kind is MailerKind.SES and not mailer.username,
        "region": mailer.kind is MailerKind.SES and not mailer.region,
        "secret": not has_secret and (not smtp or bool(mailer.username)),
    }
    missing = [name for name, lacks in wanted.items() if lacks]
    if missing:
        raise invalid(*(([name], f"Required for {mailer.kind.value}") for name in missing))
    if smtp and mailer.username and mailer.tls is Tls.NONE:
        raise invalid((["tls"], "A password is not sent without encryption"))


def describe(mailer: Mailer) -> dict[str, Any]:
    """What the audit log says of it: nothing secret."""
    hidden = {"account_id", "id", "secret", "created_at", "updated_at"}
    described: dict[str, Any] = msgspec.to_builtins(
        {k: v for k, v in msgspec.structs.asdict(mailer).items() if k not in hidden}
    )
    return described
