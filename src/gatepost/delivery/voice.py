"""Apprise, which knows how each chat service wants to be spoken to. Loaded with the first chat."""

from __future__ import annotations

import logging
from contextvars import ContextVar
from importlib import import_module
from typing import Any

from apprise import AppriseAsset, NotifyFormat
from apprise.attachment import A_MGR
from apprise.common import PersistentStoreMode
from apprise.logger import logger
from apprise.plugins.base import NotifyBase

from gatepost.delivery import tether
from gatepost.delivery.tether import Tether
from gatepost.engine.compose.chat import Words
from gatepost.engine.compose.chatservices import SERVICES

NAME = "Gatepost"

_said: ContextVar[list[str]] = ContextVar("gatepost_chat_said")


class _Ear(logging.Handler):
    """Keeps what apprise says for the call that it says it in; nowhere else is it written."""

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one line."""
        said = _said.get(None)
        if said is not None and record.levelno >= logging.WARNING:
            said.append(record.getMessage())


def speak(scheme: str, url: str, words: Words, call: Tether) -> bool:
    """Say something in a chat; returns whether the service took it.

    Runs in a thread; connections are those of the call, which keeps what was said of it.
    """
    token = _said.set(call.said)
    try:
        with call():
            return _notify(_service(scheme, url, call), words)
    except Exception as fault:  # noqa: BLE001 # of a hundred and more services any may fail
        call.said.append(str(fault) or type(fault).__name__)
        return False
    finally:
        _said.reset(token)


def _notify(service: NotifyBase, words: Words) -> bool:
    format_ = NotifyFormat(words.format.value)
    return bool(service.notify(body=words.body, title=words.title, body_format=format_))


def _service(scheme: str, url: str, call: Tether) -> NotifyBase:
    known = SERVICES[scheme]
    kind: Any = getattr(import_module(f"apprise.plugins.{known.module}"), known.name)
    escaped = url.replace("/#", "/%23")
    native = escaped.lower().startswith("https://")
    found = kind.parse_native_url(escaped) if native else kind.parse_url(escaped)
    if not found:
        raise ValueError("The service does not understand this URL")
    service: NotifyBase = kind(**found, asset=_asset())
    if not service.enabled:
        raise ValueError("The service needs what is not installed")
    if len(getattr(service, "template", None) or ()):
        raise ValueError("Must not name a file")
    service.throttle = _pauses(service, call)  # type: ignore[method-assign] # its own sleeps past the end of a call
    return service


def _pauses(service: NotifyBase, call: Tether) -> Any:
    """Pauses between requests, as apprise makes them, that end with their call."""
    begun = False

    def pause(last_io: object = None, wait: float | None = None) -> None:
        nonlocal begun
        if begun or last_io is not None or wait is not None:
            call.rest(service.request_rate_per_sec if wait is None else wait)
        begun = True

    return pause


def _asset() -> AppriseAsset:
    """What services are told of their sender. Nothing is stored on disk."""
    return AppriseAsset(
        app_id=NAME,
        app_desc=NAME,
        app_url="",
        image_url_mask="",
        image_url_logo="",
        http_redirects=False,
        storage_mode=PersistentStoreMode.MEMORY,
    )


def _prepare() -> None:
    """Make apprise quiet, and keep it from the files and the network of this machine."""
    tether.install()
    logger.propagate = False
    logger.handlers = [_Ear()]
    A_MGR.remove("file", unload=False)  # type: ignore[no-untyped-call] # it has no types


_prepare()
