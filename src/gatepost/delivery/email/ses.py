"""Amazon SES, version 2 of its API: the mail as we write it, signed requests (Signature V4)."""

from __future__ import annotations

import hmac
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit

from gatepost.delivery.email.http import JSON, Account, Request, base, encode
from gatepost.delivery.email.letter import Letter

PATH = "/v2/email/outbound-emails"
SERVICE = "ses"
ALGORITHM = "AWS4-HMAC-SHA256"


class Keys(NamedTuple):
    """An access key and its secret, and where they are used."""

    key: str
    secret: str
    region: str


class Ses:
    """Sends the mail whole: only the recipient comes from the envelope."""

    async def request(self, letter: Letter, account: Account) -> Request:
        """Write a letter."""
        mailer = account.mailer
        url = base(account, f"https://email.{mailer.region}.amazonaws.com") + PATH
        body = encode(
            {
                "FromEmailAddress": letter.written.sender,
                "Destination": {"ToAddresses": [letter.recipient]},
                "Content": {"Raw": {"Data": await letter.raw()}},
                "EmailTags": [{"Name": "delivery_id", "Value": letter.id}],
            }
        )
        keys = Keys(mailer.username, account.secret, mailer.region)
        at = datetime.fromtimestamp(account.now() / 1000, UTC)
        return Request(url, {**JSON, **sign(keys, SERVICE, url, body, at)}, body)

    def error(self, body: Any) -> str:
        """Its message."""
        return str(body.get("message") or body.get("Message") or "")

    def bounced(self, body: Any) -> bool:
        """Told later, by an event."""
        del body
        return False


def sign(keys: Keys, service: str, url: str, body: bytes, at: datetime) -> dict[str, str]:
    """The headers that sign a POST without a query (AWS Signature Version 4)."""
    where = urlsplit(url)
    stamp, day = at.strftime("%Y%m%dT%H%M%SZ"), at.strftime("%Y%m%d")
    digest = sha256(body).hexdigest()
    signed = {"host": where.netloc, "x-amz-date": stamp}
    names = ";".join(signed)
    lines = "".join(f"{name}:{value}\n" for name, value in signed.items())
    # Every service but S3 encodes the path once more.
    path = quote(quote(where.path or "/", safe="/-_.~"), safe="/-_.~")
    asked = f"POST\n{path}\n\n{lines}\n{names}\n{digest}"
    scope = f"{day}/{keys.region}/{service}/aws4_request"
    text = "\n".join((ALGORITHM, stamp, scope, sha256(asked.encode()).hexdigest()))
    key = b"AWS4" + keys.secret.encode()
    for part in (day, keys.region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    credential = f"{ALGORITHM} Credential={keys.key}/{scope}, "
    return {
        "x-amz-date": stamp,
        "Authorization": f"{credential}SignedHeaders={names}, Signature={signature}",
    }
