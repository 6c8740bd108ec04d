"""The HTML of a mail as a document of its own, which can do nothing. Pure but for the files."""

from __future__ import annotations

import asyncio
import base64
import re
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.responses import Response

from gatepost.base.errors import AppError, Code
from gatepost.dashboard.desk import OK_MAX, at
from gatepost.dashboard.visit import Visit

POLICY = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'self'"
)
"""No script, no form, nothing from elsewhere, and no origin of its own, also by itself."""
IMAGES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
IMAGES_MAX = 20
IMAGE_BYTES_MAX = 2_000_000
_CID = re.compile(r"""cid:([A-Za-z0-9!#$%&'*+/=?^_`{|}~.@-]{1,200})""")


async def show(visit: Visit) -> Response:
    """Give the HTML, for the frame on the mail's page."""
    mail = await visit.api.get(at("/v1/mailbox", visit.path["mail"]))
    if mail["html"] is None:
        raise AppError(Code.NOT_FOUND, "This mail has no HTML.")
    wanted = inline(mail["html"], mail["attachments"])
    contents = await asyncio.gather(*(_data_of(visit, mail["id"], wanted[one]) for one in wanted))
    html = placed(mail["html"], dict(zip(wanted, contents, strict=True)))
    headers = {"content-security-policy": POLICY, "x-frame-options": "SAMEORIGIN"}
    return Response(html.encode(), headers=headers, media_type="text/html; charset=utf-8")


def inline(html: str, files: Sequence[Mapping[str, Any]]) -> dict[str, tuple[int, str]]:
    """Which files the HTML shows as images: number and media type by content id."""
    known = {
        one["contentId"]: (number, one["contentType"])
        for number, one in enumerate(files)
        if one["contentType"] in IMAGES and one["size"] <= IMAGE_BYTES_MAX
    }
    named = dict.fromkeys(_CID.findall(html))
    return {one: known[one] for one in list(named)[:IMAGES_MAX] if one in known}


def placed(html: str, contents: Mapping[str, str]) -> str:
    """The HTML with images in the place of their ids; unknown ones stay, and lead nowhere."""
    return _CID.sub(lambda found: contents.get(found[1], found[0]), html)


async def _data_of(visit: Visit, mail_id: str, file: tuple[int, str]) -> str:
    number, media = file
    answer = await visit.api.ask("GET", at("/v1/mailbox", mail_id, "attachments", str(number)))
    if answer.status > OK_MAX:
        return "data:,"
    return f"data:{media};base64,{base64.b64encode(answer.body).decode()}"
