"""What one recipient's mail is written from: the text that is kept, and what is added to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from gatepost.base import emails, ids
from gatepost.base.config import Settings
from gatepost.delivery.email.mime import Papers
from gatepost.domains.emaildomains.model import SendingDomain
from gatepost.domains.outbox.model import Delivery, Message
from gatepost.engine import unsubscribe
from gatepost.engine.compose.mail import Envelope, Written
from gatepost.engine.tracking import Tracked, Tracker
from gatepost.engine.unsubscribe import Leaving

ONE_CLICK = "List-Unsubscribe=One-Click"


class Writer(NamedTuple):
    """What an installation adds: links to itself, which it signs."""

    settings: Settings
    pepper: bytes

    def papers(
        self,
        message: Message,
        one: Delivery,
        written: Written,
        envelope: Envelope,
        files: Mapping[str, bytes],
        domain: SendingDomain | None,
    ) -> Papers:
        """All that a recipient's mail is built from; `domain` is its sender's, if that may send."""
        return Papers(
            written=self._tracked(one, written, domain),
            files=files,
            message_id=message_id(message, written),
            at=ids.time_of(message.id),
            extra=self._one_click(one, written, envelope),
        )

    def _tracked(self, one: Delivery, written: Written, domain: SendingDomain | None) -> Written:
        """What is written, so that it tells of itself where it or its domain asks for that."""
        opens, clicks = tracked(written, domain)
        if written.html is None or not (opens or clicks):
            return written
        mail = Tracked(one.account_id, one.id)
        tracker = Tracker.of(self.settings, self.pepper)
        page = tracker.page(written.html, mail, opens=opens, clicks=clicks)
        return msgspec.structs.replace(written, html=page)

    def _one_click(self, one: Delivery, written: Written, envelope: Envelope) -> dict[str, str]:
        """RFC 8058: a link that ends the account's mails to this recipient."""
        if not written.unsubscribe:
            return {}
        leaving = Leaving(one.account_id, emails.normal(envelope.to))
        link = unsubscribe.link(self.settings, self.pepper, leaving)
        return {"List-Unsubscribe": f"<{link}>", "List-Unsubscribe-Post": ONE_CLICK}


def message_id(message: Message, written: Written) -> str:
    """The name that a mail has everywhere."""
    return f"<{message.id.hex()}@{emails.read(written.sender).domain}>"


def tracked(written: Written, domain: SendingDomain | None) -> tuple[bool, bool]:
    """Whether a mail tells when it is opened, and when its links are followed."""
    opens, clicks = written.track_opens, written.track_clicks
    opens = (domain is not None and domain.track_opens) if opens is None else opens
    clicks = (domain is not None and domain.track_clicks) if clicks is None else clicks
    return opens, clicks
