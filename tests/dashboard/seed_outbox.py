"""Messages under way and at their end, endpoints, caught mails, mailers: hostile ones too."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2

from tests.waiting import wait_for

HARM = "</pre><script>document.title='run'</script>\u202e{{7*7}}"
PIXEL = "R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"
NOWHERE = "https://nowhere.example/"
ENDPOINTS: tuple[dict[str, Any], ...] = (
    {
        "url": NOWHERE + "shop",
        "name": "Shop",
        "types": ["event.payments", "message.failed"],
        "match": {"metadata": [{"path": "amount", "op": "gte", "value": 1000}]},
        "headers": {"Authorization": "Bearer hush"},
        "retry": {"delaysSeconds": [3600]},
        "rate": 2.5,
    },
    {"url": NOWHERE + "w" * 500, "name": HARM[:100], "types": ["*"], "retry": "once"},
)
MAIL: dict[str, Any] = {
    "to": ["Jane <jane.doe@example.com>", "bob@example.com"],
    "subject": "Your order 4711 </title><b>\u202e",
    "text": HARM,
    "html": '<style>* { color: teal }</style><p>On its way.</p><img alt="" src="cid:logo">',
    "attachments": [
        {"filename": "logo.gif", "content": PIXEL, "contentId": "logo"},
        {"filename": "<i>.html", "content": base64.b64encode(HARM.encode()).decode()},
    ],
}


def fill(client: httpx2.Client) -> None:
    """Put all of it there."""
    for endpoint in ENDPOINTS:
        _post(client, "/v1/endpoints", endpoint)
    webhook = {"url": NOWHERE + "hook", "payload": {"said": HARM, "order": 4711}}
    _post(client, "/v1/messages", {"webhook": webhook, "retry": "once"})
    _post(client, "/v1/messages", {"email": MAIL})
    later = (datetime.now(UTC) + timedelta(days=9)).isoformat()
    ahead = {"sendAt": later, "orderingKey": "order-4711"}
    _post(client, "/v1/messages", {"webhook": webhook, **ahead})
    for order in (1, 2):
        about = {"kind": "smtp", "host": "smtp.example.com", "secret": "hush", "enabled": False}
        _post(client, "/v1/mailers", about | {"priority": order, "name": HARM[:100]})
    _post(client, "/v1/mailers", {"kind": "postmark", "secret": "hush", "enabled": False})
    wait_for(lambda: _count(client, "/v1/mailbox", "mails") > 1, "mails to be caught")
    failed = "/v1/deliveries?state=failed"
    wait_for(lambda: _count(client, failed, "deliveries"), "a delivery to fail")


def _count(client: httpx2.Client, path: str, member: str) -> int:
    return len(client.get(path).json()["data"][member])


def _post(client: httpx2.Client, path: str, body: dict[str, Any]) -> None:
    answer = client.post(path, json=body)
    if answer.status_code not in {201, 202}:
        raise AssertionError(f"{path}: {answer.text}")
