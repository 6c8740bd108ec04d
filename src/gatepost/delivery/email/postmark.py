"""Postmark: POST /email."""

from __future__ import annotations

from typing import Any

from gatepost.delivery.email.http import JSON, Account, Request, base, encode
from gatepost.delivery.email.letter import Letter

OWN = "https://api.postmarkapp.com"
STREAM = "outbound"
INACTIVE = 406
"""Postmark's own code of a recipient that has bounced, complained or unsubscribed."""


class Postmark:
    """Speaks its one version."""

    async def request(self, letter: Letter, account: Account) -> Request:
        """Write a letter: its metadata come back in Postmark's webhooks."""
        written = letter.written
        body: dict[str, Any] = {
            "From": written.sender,
            "To": letter.recipient,
            "Subject": written.subject,
            "Headers": [{"Name": name, "Value": one} for name, one in letter.headers().items()],
            "Metadata": {"delivery_id": letter.id},
            "MessageStream": account.mailer.stream or STREAM,
            "TrackOpens": False,
            "TrackLinks": "None",
        }
        if written.html is not None:
            body["HtmlBody"] = written.html
        if written.text is not None:
            body["TextBody"] = written.text
        if written.reply_to:
            body["ReplyTo"] = ", ".join(written.reply_to)
        if written.attachments:
            body["Attachments"] = _files(letter)
        headers = {**JSON, "X-Postmark-Server-Token": account.secret}
        return Request(f"{base(account, OWN)}/email", headers, encode(body))

    def error(self, body: Any) -> str:
        """Its message."""
        return str(body.get("Message") or "")

    def bounced(self, body: Any) -> bool:
        """Whether it knows the recipient to be unreachable."""
        return isinstance(body, dict) and body.get("ErrorCode") == INACTIVE


def _files(letter: Letter) -> list[dict[str, Any]]:
    return [
        {"Name": one.filename, "Content": letter.file(one), "ContentType": one.content_type}
        | ({"ContentID": f"cid:{one.content_id}"} if one.content_id else {})
        for one in letter.written.attachments
    ]
