"""The part of a message that is a request to a URL."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from gatepost.delivery import urls
from gatepost.domains.endpoints import model as endpoints
from gatepost.domains.endpoints.model import Problem
from gatepost.domains.plans.model import Meter
from gatepost.engine.compose.webhook import Webhook, compose
from gatepost.engine.enlist import Safe
from gatepost.engine.notify import Draft
from gatepost.gate.once import Charge
from gatepost.storage.db import Tx
from gatepost.web.contract import Call

MEMBER = "webhook"
NOT_TEXT = "Must be UTF-8"

Url = Annotated[
    str,
    Meta(
        max_length=endpoints.URL_MAX,
        description="Where it goes: `https`, to a public address unless the settings of this "
        "installation say otherwise.",
    ),
]
Headers = Annotated[
    dict[str, str],
    Meta(
        max_length=endpoints.HEADERS_MAX,
        description="Further headers. They are kept encrypted, and no log shows their values.",
    ),
]


class WebhookIn(msgspec.Struct, rename="camel", forbid_unknown_fields=True, frozen=True):
    """A request to a URL. The payload is sent as it came, byte for byte."""

    url: Url
    payload: msgspec.Raw
    method: Literal["POST", "PUT", "PATCH", "GET", "DELETE"] = "POST"
    headers: Headers = {}


def check(call: Call, given: WebhookIn) -> None:
    """Refuse what can be seen to be wrong; raises INVALID."""
    problems: list[Problem] = []
    wrong = urls.problem(given.url, call.services.settings)
    if wrong:
        problems.append((["url"], wrong))
    problems += endpoints.check_headers(given.headers)
    if not is_text(given.payload):
        problems.append((["payload"], NOT_TEXT))
    endpoints.refuse([([MEMBER, *path], words) for path, words in problems])


def is_text(json: msgspec.Raw) -> bool:
    """Whether JSON that nobody has read is UTF-8."""
    try:
        bytes(json).decode()
    except UnicodeDecodeError:
        return False
    return True


def charge(_given: WebhookIn) -> Charge:
    """Price it."""
    return Charge(Meter.WEBHOOK)


def draft(tx: Tx, call: Call, given: WebhookIn) -> Draft:
    """Make the draft."""
    webhook = Webhook(
        url=given.url,
        payload=bytes(given.payload).decode(),
        method=given.method,
        headers=given.headers,
    )
    safe = Safe(call.services.pepper)
    return compose(tx, call.caller.account_id, call.project_id, webhook, safe)
