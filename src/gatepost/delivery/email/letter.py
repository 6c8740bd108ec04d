"""One mail to one of its recipients, ready but for the way it goes."""

from __future__ import annotations

import asyncio
from typing import NamedTuple, Protocol

import msgspec

from gatepost.base import emails
from gatepost.delivery import dkimsign
from gatepost.delivery.email import mime
from gatepost.delivery.email.mime import Papers
from gatepost.domains.outbox.model import Outcome
from gatepost.engine.compose.mail import Part, Written


class Signer(NamedTuple):
    """Whose DKIM signature a mail gets; the key is in PEM."""

    domain: str
    selector: str
    private_key: str


class Carried(NamedTuple):
    """How it went, and whether there is no such recipient."""

    outcome: Outcome
    bounced: bool = False


class Letter:
    """What is sent. `id` is the delivery's, which providers are told."""

    def __init__(
        self, id_: str, recipient: str, papers: Papers, signer: Signer | None, bounces_to: str
    ) -> None:
        """Hold it; nothing is built before it is asked for."""
        self.id = id_
        self.recipient = recipient
        self.papers = papers
        self.bounces_to = bounces_to
        self._signer = signer
        self._raw: bytes | None = None

    @property
    def written(self) -> Written:
        """What all recipients get."""
        return self.papers.written

    @property
    def sender(self) -> emails.Address:
        """Whom it is from."""
        return emails.read(self.written.sender)

    @property
    def needs_utf8(self) -> bool:
        """Whether an address in it can be written in UTF-8 only (RFC 6531)."""
        return not self.recipient.isascii() or mime.needs_utf8(self.written)

    def headers(self) -> dict[str, str]:
        """The headers beside those that every mail has."""
        return {**self.written.headers, **self.papers.extra, "Message-ID": self.papers.message_id}

    def file(self, part: Part) -> bytes:
        """What an attachment contains."""
        return self.papers.files[part.id]

    def shown(self) -> str:
        """What the log says was sent, as JSON."""
        head = {
            "Message-ID": self.papers.message_id,
            "From": self.written.sender,
            "Recipient": self.recipient,
            "Subject": self.written.subject,
        }
        return msgspec.json.encode(head).decode()

    async def raw(self) -> bytes:
        """The mail as it goes over the wire, signed; built beside the event loop."""
        if self._raw is None:
            self._raw = await asyncio.to_thread(self._build)
        return self._raw

    def _build(self) -> bytes:
        raw = mime.build(self.papers)
        if self._signer is None:
            return raw
        return dkimsign.sign(raw, **self._signer._asdict())


class Carrier(Protocol):
    """One that takes letters."""

    via: str

    async def carry(self, letter: Letter) -> Carried:
        """Try once; whatever happens outside is an outcome, not an exception."""
        ...
