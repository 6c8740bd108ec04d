"""SendGrid: POST /v3/mail/send."""

from __future__ import annotations

from typing import Any

from gatepost.base import emails
from gatepost.delivery.email.http import JSON, Account, Request, base, encode
from gatepost.delivery.email.letter import Letter

OWN = "https://api.sendgrid.com"
OFF = {"enable": False}


class SendGrid:
    """Speaks version 3."""

    async def request(self, letter: Letter, account: Account) -> Request:
        """Write a letter: its `custom_args` come back in SendGrid's events."""
        written = letter.written
        texts = {"text/plain": written.text, "text/html": written.html}
        body: dict[str, Any] = {
            "personalizations": [
                {"to": [{"email": letter.recipient}], "custom_args": {"delivery_id": letter.id}}
            ],
            "from": _person(written.sender),
            "subject": written.subject,
            "content": [{"type": kind, "value": one} for kind, one in texts.items() if one],
            "headers": letter.headers(),
            "tracking_settings": {"click_tracking": OFF, "open_tracking": OFF},
        }
        if written.reply_to:
            body["reply_to_list"] = [_person(one) for one in written.reply_to]
        if written.attachments:
            body["attachments"] = _files(letter)
        headers = {**JSON, "Authorization": f"Bearer {account.secret}"}
        return Request(f"{base(account, OWN)}/v3/mail/send", headers, encode(body))

    def error(self, body: Any) -> str:
        """The first of its errors."""
        found = body.get("errors")
        first = found[0] if isinstance(found, list) and found else None
        return str(first.get("message") or "") if isinstance(first, dict) else ""

    def bounced(self, body: Any) -> bool:
        """Told later, by an event."""
        del body
        return False


def _person(text: str) -> dict[str, str]:
    found = emails.read(text)
    return {"email": found.spec} | ({"name": found.name} if found.name else {})


def _files(letter: Letter) -> list[dict[str, Any]]:
    return [
        {
            "content": letter.file(one),
            "filename": one.filename,
            "type": one.content_type,
            "disposition": "inline" if one.content_id else "attachment",
        }
        | ({"content_id": one.content_id} if one.content_id else {})
        for one in letter.written.attachments
    ]
