"""What can be set: names, meanings, bounds and defaults."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta


class ConfigError(Exception):
    """Settings that cannot be used; the text says which one and what would be right."""


class SettingError(ConfigError):
    """A setting whose text is wrong in itself, wherever and whenever it is used."""


def _about(text: str, **constraints: Any) -> Meta:
    return Meta(description=text, **constraints)


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that can be set. Names carry their unit; the descriptions become the docs."""

    data: Annotated[str, _about("The data folder: database, secrets.")] = "./gatepost-data"
    host: Annotated[str, _about("Address to listen on.")] = "127.0.0.1"
    port: Annotated[int, _about("Port to listen on; 0 takes a free one.", ge=0, le=65535)] = 8080
    database_url: Annotated[
        str,
        _about(
            "Where the truth is kept: `postgresql://user:password@host/database`;"
            " empty means SQLite in the data folder."
        ),
    ] = ""
    valkey_url: Annotated[
        str,
        _about(
            "Where several processes share limits and signals: `valkey://…` or `redis://…`;"
            " empty means that each process limits alone."
        ),
    ] = ""
    pepper: Annotated[
        str,
        _about(
            "The secret that API keys are hashed under, the same for every process: at least 32"
            " characters, or 64 hexadecimal digits; empty means `pepper.key` in the data folder."
        ),
    ] = ""
    public_url: Annotated[
        str, _about("The address clients use, for links; empty means the listening address.")
    ] = ""
    rate_limit: Annotated[
        str,
        _about(
            "`off` switches every key and account limit off; `on` applies keys' and plans' own.",
            pattern="^(on|off)$",
        ),
    ] = "on"
    limiter_outage: Annotated[
        str,
        _about(
            "While Valkey cannot be reached, writes are limited by each process to its share"
            " (`local`), refused (`refuse`) or let through (`open`); reads go on.",
            pattern="^(local|refuse|open)$",
        ),
    ] = "local"
    unknown_keys_per_minute: Annotated[
        int, _about("Requests with an unknown key, per address and minute, before 429.", ge=1)
    ] = 60
    sign_ins_per_minute: Annotated[
        int, _about("Tries to sign in to the dashboard, per address and minute, before 429.", ge=1)
    ] = 30
    oidc_issuer: Annotated[
        str,
        _about(
            "Where operators may sign in as well: the issuer of an OpenID Connect provider, as"
            " `https://login.example.com`; empty means none. Those who may come in are operators"
            " or invited here already, by the verified address that the provider tells.",
            pattern="^(|https?://[!-~]+)$",
        ),
    ] = ""
    oidc_client_id: Annotated[str, _about("What that provider calls this installation.")] = ""
    oidc_client_secret: Annotated[
        str, _about("The secret that goes with it; empty for a public client.")
    ] = ""
    oidc_name: Annotated[str, _about("What the button to sign in there calls the provider.")] = (
        "single sign-on"
    )
    trusted_proxies: Annotated[
        str, _about("Networks whose `X-Forwarded-For` is believed, separated by commas.")
    ] = ""
    body_bytes_max: Annotated[int, _about("Largest request body, in bytes.", ge=1024)] = 1_048_576
    batch_bytes_max: Annotated[
        int, _about("Largest batch body, in bytes, after decompression.", ge=1024)
    ] = 5_242_880
    event_bytes_max: Annotated[
        int, _about("Largest stored event, in bytes of its JSON.", ge=1024)
    ] = 65_536
    events_days: Annotated[int, _about("Days an event is kept; 0 keeps it for ever.", ge=0)] = 90
    refusals_days: Annotated[int, _about("Days the refused-requests ledger is kept.", ge=1)] = 30
    usage_requests_days: Annotated[
        int, _about("Days the single requests of customers are kept; their sums stay.", ge=1)
    ] = 30
    stream_heartbeat_s: Annotated[
        float, _about("Seconds between heartbeats of the event stream.", gt=0)
    ] = 15.0
    stream_stall_s: Annotated[
        float, _about("Seconds a stream may stall before it is dropped.", gt=0)
    ] = 15.0
    drain_delay_s: Annotated[
        float,
        _about(
            "Seconds a process that was told to end still takes requests while `/readyz` says no,"
            " for a load balancer to notice.",
            ge=0,
            le=60,
        ),
    ] = 0.0
    relays: Annotated[
        str,
        _about(
            "Routes that lead every account through Gatepost to an API of yours: one to a line, or"
            " separated by semicolons, each `METHOD PATH UPSTREAM` and, if need be,"
            " `units=array customer=required scope=data:write timeout_s=30`."
        ),
    ] = ""
    relay_networks: Annotated[
        str,
        _about(
            "Networks that routes declared over the API may lead to besides public addresses,"
            " separated by commas."
        ),
    ] = ""
    relay_bytes_max: Annotated[
        int, _about("Largest body of a relayed request, in bytes.", ge=1024)
    ] = 10_485_760
    delivery_networks: Annotated[
        str,
        _about(
            "Networks that deliveries may go to besides public addresses, by `http` as well,"
            " separated by commas."
        ),
    ] = ""
    delivery_http: Annotated[
        str,
        _about(
            "Whether webhooks may go to public addresses without encryption.",
            pattern="^(on|off)$",
        ),
    ] = "off"
    delivery_timeout_s: Annotated[
        float, _about("Seconds a receiver has to answer.", gt=0, le=300)
    ] = 30.0
    notifykit_retry_s: Annotated[
        float, _about("Seconds before the second attempt of a NotifyKit job.", ge=0, le=604_800)
    ] = 120.0
    notifykit_retry_factor: Annotated[
        float, _about("How many times longer its third attempt waits.", ge=0, le=100)
    ] = 2.0
    deliveries_at_once: Annotated[
        int, _about("Deliveries a process has under way at most.", ge=1, le=10_000)
    ] = 256
    dns_servers: Annotated[
        str,
        _about(
            "Name servers that are asked where deliveries go, and for records of sending domains:"
            " `address` or `address:port`, separated by commas; empty means the system's own."
        ),
    ] = ""
    mail_host: Annotated[
        str,
        _about(
            "Host name that mail leaves from and bounces return to, in the records of sending"
            " domains; empty means the host of `public_url`."
        ),
    ] = ""
    mail_spf: Annotated[
        str,
        _about(
            "SPF mechanisms of whoever sends mail for this installation, separated by spaces, as"
            " `ip4:192.0.2.1 include:spf.example.com`; empty means `a:` and the mail host."
        ),
    ] = ""
    dkim_selector: Annotated[
        str,
        _about(
            "Selector of the DKIM keys of new sending domains.",
            pattern="^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$",
        ),
    ] = "gatepost"
    return_path_label: Annotated[
        str,
        _about(
            "Label below a new sending domain that bounces return to.",
            pattern="^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$",
        ),
    ] = "bounce"
    smtp_url: Annotated[
        str,
        _about(
            "The server that takes mails of accounts without mailers of their own:"
            " `smtp://user:password@host:587` or `smtps://…`, perhaps with `?tls=required`,"
            " `opportunistic` or `none`; empty means that mails are kept here, to be looked at."
        ),
    ] = ""
    mail_from: Annotated[
        str,
        _about(
            "Whom mails are from that name nobody, as `Acme <noreply@example.com>`; every account"
            " may send in its name through the server of `smtp_url`."
        ),
    ] = ""
    mail_bytes_max: Annotated[
        int, _about("Largest mail, in bytes, attachments included.", ge=65_536)
    ] = 41_943_040
    attachment_bytes_max: Annotated[
        int, _about("Largest attachment of a mail, in bytes.", ge=1024)
    ] = 26_214_400
    attachment_extensions: Annotated[
        str,
        _about(
            "How the names of attachments may end, as `pdf, png`; empty means in any way that is"
            " not refused."
        ),
    ] = ""
    attachment_extensions_refused: Annotated[
        str, _about("How the names of attachments may not end: mail servers refuse such files.")
    ] = (
        "ade, adp, apk, appx, appxbundle, bat, cab, chm, cmd, com, cpl, dll, dmg, exe, hta, ins,"
        " iso, isp, jar, js, jse, lib, lnk, mde, msc, msi, msix, msixbundle, msp, mst, nsh, pif,"
        " ps1, scr, sct, shb, sys, vb, vbe, vbs, vhd, vxd, wsc, wsf, wsh"
    )
    submission_port: Annotated[
        int,
        _about(
            "Port that takes mails by SMTP, with API keys as passwords; 0 means none.",
            ge=0,
            le=65535,
        ),
    ] = 0
    submission_host: Annotated[
        str, _about("Address to take mails by SMTP on; empty means that of `host`.")
    ] = ""
    submission_tls_cert: Annotated[
        str,
        _about(
            "File with the certificate, and those above it, of the SMTP port, in PEM: it then asks"
            " for encryption. It is read again when it changes."
        ),
    ] = ""
    submission_tls_key: Annotated[
        str, _about("File with the private key of that certificate, in PEM.")
    ] = ""
    submission_plain: Annotated[
        str,
        _about(
            "Whether keys are taken by SMTP without encryption from other machines, where there is"
            " no certificate.",
            pattern="^(on|off)$",
        ),
    ] = "off"
    submission_connections: Annotated[
        int,
        _about(
            "Connections to the SMTP port at once; an account has at most a quarter of them.",
            ge=4,
            le=10_000,
        ),
    ] = 200
    submission_idle_s: Annotated[
        float,
        _about("Seconds an SMTP connection may be idle; until it has logged in, 60 at most.", gt=0),
    ] = 300.0
    mailbox_days: Annotated[
        int, _about("Days a mail is kept that was not sent on, but caught here.", ge=1)
    ] = 7
    mailbox_bytes_max: Annotated[
        int, _about("Bytes of caught mails that are kept of an account.", ge=65_536)
    ] = 104_857_600
    push_subject: Annotated[
        str,
        _about(
            "Whom push services may turn to about this installation, as `mailto:ops@example.com`"
            " or an https URL; empty means `public_url` if that is one. Apple's asks for it.",
            pattern="^(|mailto:[!-~]+@[!-~]+|https://[!-~]+)$",
        ),
    ] = ""
    messages_days: Annotated[
        int, _about("Days a message is kept after its deliveries have ended.", ge=1)
    ] = 90
    attempts_days: Annotated[int, _about("Days the log of attempts is kept.", ge=1)] = 30
    readers: Annotated[int, _about("Read connections to the database.", ge=1, le=64)] = 4
    writers: Annotated[
        int, _about("Write connections to PostgreSQL; SQLite has one.", ge=2, le=16)
    ] = 2
    log_level: Annotated[
        str, _about("Least severe log line shown.", pattern="^(debug|info|warning|error)$")
    ] = "info"
    log_format: Annotated[
        str, _about("`text` for people, `json` for machines.", pattern="^(text|json)$")
    ] = "text"

    @property
    def folder(self) -> Path:
        """The data folder as a path."""
        return Path(self.data)

    def networks(self) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
        """The trusted proxies as networks; raises ConfigError for a malformed one."""
        return _networks("trusted_proxies", self.trusted_proxies)

    def reachable(self) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
        """The networks any route may lead to; raises ConfigError for a malformed one."""
        return _networks("relay_networks", self.relay_networks)

    def deliverable(self) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
        """The networks deliveries may go to; raises ConfigError for a malformed one."""
        return _networks("delivery_networks", self.delivery_networks)


def _networks(setting: str, text: str) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    try:
        return tuple(ipaddress.ip_network(name, strict=False) for name in names)
    except ValueError as error:
        message = f"{setting}: {error}"
        raise ConfigError(message) from None
