"""Which SMTP server, and how it is reached: what a setting or a mailer says of it."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

from gatepost.base.config import ConfigError, Settings
from gatepost.domains.mailers.model import PORT, PORTS, Mailer, Tls

SCHEMES = ("smtp", "smtps")
WRONG = "smtp_url must be smtp://user:password@host:port or smtps://…"


class Server(NamedTuple):
    """One SMTP server. That of the settings is `trusted`: it may be anywhere."""

    host: str
    port: int
    tls: Tls
    username: str = ""
    password: str = ""
    trusted: bool = False


def of_settings(settings: Settings) -> Server | None:
    """The one that the settings name; raises ConfigError for a malformed URL."""
    if not settings.smtp_url:
        return None
    try:
        where = urlsplit(settings.smtp_url)
        port = where.port
    except ValueError:
        raise ConfigError(WRONG) from None
    if where.scheme not in SCHEMES or not where.hostname:
        raise ConfigError(WRONG)
    tls = _tls(where.scheme, parse_qs(where.query).get("tls", [""])[0], bool(where.username))
    return Server(
        host=where.hostname,
        port=port or PORTS.get(tls.value, PORT),
        tls=tls,
        username=unquote(where.username or ""),
        password=unquote(where.password or ""),
        trusted=True,
    )


def of_mailer(mailer: Mailer, secret: str) -> Server:
    """The one that a mailer is."""
    return Server(mailer.host, mailer.port, mailer.tls, mailer.username, secret)


def _tls(scheme: str, asked: str, private: bool) -> Tls:  # noqa: FBT001 # one call, just above
    if scheme == "smtps":
        return Tls.IMPLICIT
    if not asked:
        return Tls.REQUIRED if private else Tls.OPPORTUNISTIC
    try:
        return Tls(asked)
    except ValueError:
        raise ConfigError(f"smtp_url: tls must be one of {', '.join(Tls)}") from None
