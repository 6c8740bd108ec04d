"""What can be said of a URL before anything is sent to it. Pure."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, urlsplit

from gatepost.base.config import Settings
from gatepost.delivery import addresses

_PRINTABLE = re.compile(r"[\x21-\x7e]+")
_BRACKETED = re.compile(r"\[[0-9a-f:.]+\](?::[0-9]*)?", re.IGNORECASE)
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*", re.IGNORECASE)


def problem(url: str, settings: Settings) -> str:
    """What is wrong with a URL as a sentence, empty where its host has still to be looked up: the
    addresses of a name are checked when it is connected to.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "Must be an https URL"
    if parts.scheme not in {"http", "https"} or not host or not _PRINTABLE.fullmatch(url):
        return "Must be an https URL, of ASCII characters alone"
    if not _is_clear(parts.netloc):
        return "Must name one host"
    if parts.username is not None or parts.password is not None:
        return "Must not hold a user name: send an Authorization header"
    return _of_place(parts, host, settings)


def _is_clear(netloc: str) -> bool:
    """Whether no two readers take it for different hosts."""
    if "\\" in netloc:
        return False
    host = netloc.rpartition("@")[2]
    bracketed = "[" in host or "]" in host
    return not bracketed or bool(_BRACKETED.fullmatch(host))


def _of_place(parts: SplitResult, host: str, settings: Settings) -> str:
    networks = settings.deliverable()
    near_only = parts.scheme == "http" and settings.delivery_http != "on"
    if near_only and not networks:
        return "Must be an https URL"
    if not addresses.is_literal(host):
        return "Must name a host, or a whole address" if _is_number(host) else ""
    if addresses.is_within(host, networks):
        return ""
    if near_only:
        return "Must be an https URL"
    return "" if addresses.is_allowed(host, networks) else "Must lead to a public address"


def _is_number(host: str) -> bool:
    """Whether a host ends in a number, as no name does: systems read addresses out of such ones,
    as 127.1 or 0x7f000001.
    """
    return bool(_NUMBER.fullmatch(host.rstrip(".").rpartition(".")[2]))
