"""Resend: POST /emails."""

from __future__ import annotations

from typing import Any

from gatepost.delivery.email.http import JSON, Account, Request, base, encode
from gatepost.delivery.email.letter import Letter

OWN = "https://api.resend.com"


class Resend:
    """Speaks its one version; the idempotency key keeps retries from being sent twice."""

    async def request(self, letter: Letter, account: Account) -> Request:
        """Write a letter."""
        written = letter.written
        body: dict[str, Any] = {
            "from": written.sender,
            "to": [letter.recipient],
            "subject": written.subject,
            "headers": letter.headers(),
            "tags": [{"name": "delivery_id", "value": letter.id}],
        }
        body |= {name: one for name, one in _texts(letter).items() if one is not None}
        if written.reply_to:
            body["reply_to"] = list(written.reply_to)
        if written.attachments:
            body["attachments"] = _files(letter)
        headers = {**JSON, "Authorization": f"Bearer {account.secret}"}
        headers["Idempotency-Key"] = letter.id
        return Request(f"{base(account, OWN)}/emails", headers, encode(body))

    def error(self, body: Any) -> str:
        """Its message."""
        return str(body.get("message") or "")

    def bounced(self, body: Any) -> bool:
        """Told later, by an event."""
        del body
        return False


def _texts(letter: Letter) -> dict[str, str | None]:
    return {"html": letter.written.html, "text": letter.written.text}


def _files(letter: Letter) -> list[dict[str, Any]]:
    return [
        {"filename": one.filename, "content": letter.file(one), "content_type": one.content_type}
        | ({"content_id": one.content_id} if one.content_id else {})
        for one in letter.written.attachments
    ]
