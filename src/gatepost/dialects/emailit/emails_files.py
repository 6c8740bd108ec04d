"""Attachments that are given by their URLs, fetched before an e-mail is kept."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from weakref import WeakValueDictionary

import msgspec

from gatepost.base.errors import AppError, Code, invalid
from gatepost.base.ids import AccountId
from gatepost.delivery.safehttp import Failed, File, SafeHttp
from gatepost.dialects.emailit import wire
from gatepost.dialects.emailit.emails_given import TOO_LARGE
from gatepost.domains.outbox.model import Fault
from gatepost.engine.compose.mail import Attachment
from gatepost.web.contract import Call

AT_ONCE = 2
"""E-mails of one account whose files are fetched by a process at a time."""

_rooms: WeakValueDictionary[AccountId, asyncio.Semaphore] = WeakValueDictionary()


class Linked(msgspec.Struct, frozen=True):
    """Which of an e-mail's attachments is at a URL."""

    index: int
    url: str


async def fetched(
    call: Call, files: Sequence[Attachment], linked: Sequence[Linked]
) -> tuple[Attachment, ...]:
    """The same attachments with what is at their URLs; raises INVALID where that cannot be had,
    and TOO_LARGE.
    """
    room = _rooms.setdefault(call.caller.account_id, asyncio.Semaphore(AT_ONCE))
    http = SafeHttp(call.services.settings)
    try:
        async with room:
            return await _fetched(call, http, list(files), linked)
    finally:
        await http.close()


async def _fetched(
    call: Call, http: SafeHttp, files: list[Attachment], linked: Sequence[Linked]
) -> tuple[Attachment, ...]:
    settings = call.services.settings
    left = settings.mail_bytes_max - sum(len(one.content) for one in files)
    for one in linked:
        file = await _file(http, one, max(0, min(left, settings.attachment_bytes_max)))
        left -= len(file.content)
        files[one.index] = _filled(files[one.index], file)
    return tuple(files)


async def _file(http: SafeHttp, one: Linked, bytes_max: int) -> File:
    try:
        return await http.fetch(one.url, bytes_max)
    except Failed as fault:
        raise _refusal(one, fault) from None


def _refusal(one: Linked, fault: Failed) -> AppError:
    if fault.fault is Fault.TOO_LARGE:
        return wire.refusal(Code.TOO_LARGE, TOO_LARGE)
    return invalid((["attachments", one.index, "url"], str(fault)))


def _filled(one: Attachment, file: File) -> Attachment:
    kind = one.content_type or file.type
    return msgspec.structs.replace(one, content=file.content, content_type=kind)
