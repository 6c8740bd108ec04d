"""Bodies of sends, checked as NotifyKit checks them: one message, that of the first fault.

An unknown member comes before all else, then each member in the order in which they are
documented: first that it is there, then what it is.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

import msgspec

from gatepost.base import emails
from gatepost.base.config import Settings
from gatepost.delivery import addresses
from gatepost.dialects.notifykit.wire import Problem
from gatepost.domains.endpoints import model as endpoints
from gatepost.domains.outbox.model import Priority
from gatepost.engine.compose import mail as mails

SUBJECT_MAX = mails.SUBJECT_MAX
BODY_BYTES_MAX = 1_048_576
PAYLOAD_BYTES_MAX = 10_240
KEY_MAX = 255
HEADERS_MAX = 50
PROVIDERS = ("SENDGRID", "RESEND", "POSTMARK")
PRIORITIES = tuple(int(one) for one in Priority)
VERBS = ("GET", "POST", "PUT", "PATCH", "DELETE")
NUL = "\0"

Check = Callable[[str, Any], str]
"""What is wrong with a member of a name and a value (None: not there), empty for nothing."""

_TLD = re.compile(r"[a-z]{2,63}|xn--[a-z0-9-]{2,59}")
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_PRINTABLE = re.compile(r"[\x21-\x7e]+")


def problem(given: Mapping[str, Any], checks: Mapping[str, Check]) -> Problem | None:
    """The first fault of a body."""
    for name in given:
        if name not in checks:
            return Problem(f"property {name} should not exist", "Unknown field")
    for name, check in checks.items():
        words = check(name, given.get(name))
        if words:
            return Problem(words)
    return None


def needed(check: Check) -> Check:
    """What must be there, and not be an empty text."""

    def found(name: str, value: Any) -> str:
        empty = value is None or (isinstance(value, str) and not value)
        return f"{name} should not be empty" if empty else check(name, value)

    return found


def maybe(check: Check) -> Check:
    """What may be left out: null is as good as nothing."""
    return lambda name, value: "" if value is None else check(name, value)


def one_of(*words: str | int) -> Check:
    """One of some values."""
    said = ", ".join(str(one) for one in words)

    def found(name: str, value: Any) -> str:
        right = not isinstance(value, bool | dict | list) and value in words
        return "" if right else f"{name} must be one of the following values: {said}"

    return found


def text(name: str, value: Any) -> str:
    """Any text that can be kept."""
    if not isinstance(value, str):
        return f"{name} must be a string"
    return f"{name} must not contain U+0000" if NUL in value else ""


def subject(name: str, value: Any) -> str:
    """One line."""
    words = text(name, value)
    if words:
        return words
    if len(value) > SUBJECT_MAX:
        return f"{name} must be shorter than or equal to {SUBJECT_MAX} characters"
    return "" if mails.is_line(value) else f"{name} must be a single line"


def content(name: str, value: Any) -> str:
    """What a mail says."""
    words = text(name, value)
    if not words and len(value.encode()) > BODY_BYTES_MAX:
        return f"{name} must not exceed 1mb"
    return words


def key(name: str, value: Any) -> str:
    """A name that a client gives to what it sends."""
    words = text(name, value)
    if not words and len(value) > KEY_MAX:
        return f"{name} must be shorter than or equal to {KEY_MAX} characters"
    return words


def address(name: str, value: Any) -> str:
    """One address, without a person's name."""
    return "" if isinstance(value, str) and is_address(value) else f"{name} must be an email"


def is_address(value: str) -> bool:
    """Whether it is an address alone, at a domain below another one."""
    try:
        found = emails.read(value)
    except ValueError:
        return False
    plain = not found.name and value == value.strip() and not value.endswith(">")
    return plain and _is_public_name(found.domain)


def priority(name: str, value: Any) -> str:
    """A number, or the text of one."""
    return one_of(*PRIORITIES)(name, _number(value))


def read_priority(value: Any) -> Priority:
    """The priority that was checked."""
    return Priority.NORMAL if value is None else Priority(_number(value))


def _number(value: Any) -> Any:
    written = isinstance(value, str) and value.isascii() and value.strip().isdecimal()
    return int(value) if written and len(value) <= len("10") else value


def url_in(settings: Settings) -> Check:
    """A URL that may be asked: https, unless the settings allow more."""

    def found(name: str, value: Any) -> str:
        right = isinstance(value, str) and is_url(value, settings)
        return "" if right else f"{name} must be a valid HTTPS URL"

    return found


def is_url(value: str, settings: Settings) -> bool:
    """Whether something may be sent there; to which addresses its host leads is seen then."""
    try:
        parts = urlsplit(value)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    if not host or len(value) > endpoints.URL_MAX or not _PRINTABLE.fullmatch(value):
        return False
    literal = addresses.is_literal(host)
    return _may_ask(parts, host, settings) and (literal or _is_public_name(host))


def _may_ask(parts: SplitResult, host: str, settings: Settings) -> bool:
    if parts.scheme == "https" or (parts.scheme == "http" and settings.delivery_http == "on"):
        return True
    networks = settings.deliverable()
    if parts.scheme != "http" or not networks:
        return False
    return not addresses.is_literal(host) or addresses.is_within(host, networks)


def without_login(url: str) -> tuple[str, dict[str, str]]:
    """A URL without the name and the password that it may have, and the header that tells them."""
    parts = urlsplit(url)
    if "@" not in parts.netloc:
        return url, {}
    login, _, place = parts.netloc.rpartition("@")
    name, _, password = login.partition(":")
    told = base64.b64encode(f"{unquote(name)}:{unquote(password)}".encode()).decode()
    return parts._replace(netloc=place).geturl(), {"Authorization": f"Basic {told}"}


def headers(name: str, value: Any) -> str:
    """Headers with text values; those that are not the caller's to set are passed over."""
    if not isinstance(value, dict) or any(not isinstance(one, str) for one in value.values()):
        return f"{name} must be an object"
    if len(value) > HEADERS_MAX:
        return f"{name} must have no more than {HEADERS_MAX} members"
    wrong = endpoints.check_headers(callers(value))
    return f"{name} must have the names and values of headers" if wrong else ""


def callers(value: Mapping[str, str]) -> dict[str, str]:
    """Those of some headers that are the caller's to set."""
    return {name: one for name, one in value.items() if not endpoints.is_ours(name)}


def payload(name: str, value: Any) -> str:
    """An object, which is sent as compact JSON."""
    if not isinstance(value, dict):
        return f"{name} must be an object"
    try:
        size = len(msgspec.json.encode(value))
    except (RecursionError, ValueError):
        return f"{name} must be an object"
    return f"{name} must not exceed 10kb" if size > PAYLOAD_BYTES_MAX else ""


def _is_public_name(host: str) -> bool:
    """Whether a host is a name below a top-level domain."""
    *labels, last = host.lower().split(".")
    return bool(labels) and all(map(_LABEL.fullmatch, labels)) and bool(_TLD.fullmatch(last))


EMAIL: Mapping[str, Check] = {
    "to": needed(address),
    "subject": needed(subject),
    "body": needed(content),
    "from": maybe(address),
    "priority": maybe(priority),
    "idempotencyKey": maybe(key),
    "provider": maybe(one_of(*PROVIDERS)),
    "fallback": maybe(one_of(*PROVIDERS)),
}


def webhook(settings: Settings) -> Mapping[str, Check]:
    """The members of a webhook."""
    return {
        "url": needed(url_in(settings)),
        "method": maybe(one_of(*VERBS)),
        "headers": maybe(headers),
        "payload": needed(payload),
        "priority": maybe(priority),
        "idempotencyKey": maybe(key),
    }
