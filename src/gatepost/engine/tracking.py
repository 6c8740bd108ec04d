"""Tracking: mails that tell when they are opened, and which of their links are followed.

Links and images lead to this server and say of which delivery they are, signed: nobody can make
one up, and so nobody is led anywhere that the mail did not name itself.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import html
import re
from typing import Any, NamedTuple
from urllib.parse import urlencode

from gatepost.base import clock, ids
from gatepost.base.config import Settings
from gatepost.base.ids import AccountId, DeliveryId
from gatepost.domains.outbox import store as outbox
from gatepost.domains.outbox.model import Delivery
from gatepost.domains.tracks import store as tracks
from gatepost.domains.tracks.model import AGENT_MAX, Track, TrackKind
from gatepost.engine import happen, milestones
from gatepost.engine.happen import Happened
from gatepost.engine.milestones import Milestone
from gatepost.storage.db import Tx

OPENED_PATH = "/mail/open"
CLICKED_PATH = "/mail/click"
PARAMETER = "t"
PURPOSE = b"mail tracking:"
ID_BYTES = 16
MARK_BYTES = 16
HEAD_BYTES = MARK_BYTES + 2 * ID_BYTES
TOKEN_CHARS_MAX = 8000

_ANCHOR = re.compile(r"<a\s[^<>]*>", re.IGNORECASE)
_HREF = re.compile(r"""(\shref\s*=\s*)("[^"<>]*"|'[^'<>]*')""", re.IGNORECASE)
_END = re.compile(r"</body\s*>", re.IGNORECASE)
_WEB = ("http://", "https://")


class Tracked(NamedTuple):
    """What a link or an image is of; `url` is where a link leads, empty for an image."""

    account_id: AccountId
    delivery_id: DeliveryId
    url: str = ""

    @property
    def kind(self) -> TrackKind:
        """What is done by asking for it."""
        return TrackKind.CLICKED if self.url else TrackKind.OPENED


class Visitor(NamedTuple):
    """Who asks, as far as that is known."""

    address: str
    agent: str


class Tracker(NamedTuple):
    """Where tracked links of one installation lead to, and what signs them."""

    base: str
    pepper: bytes

    @classmethod
    def of(cls, settings: Settings, pepper: bytes) -> Tracker:
        """That of an installation."""
        base = settings.public_url.rstrip("/") or f"http://{settings.host}:{settings.port}"
        return cls(base, pepper)

    def page(self, text: str, mail: Tracked, *, opens: bool, clicks: bool) -> str:
        """The HTML of a mail, changed so that it tells of itself."""
        found = self._linked(text, mail) if clicks else text
        return self._seen(found, mail) if opens else found

    def link(self, tracked: Tracked) -> str:
        """Where something tracked leads."""
        path = CLICKED_PATH if tracked.url else OPENED_PATH
        return f"{self.base}{path}?{urlencode({PARAMETER: write(self.pepper, tracked)})}"

    def _linked(self, text: str, mail: Tracked) -> str:
        """Links that lead elsewhere lead here first; our own ones stay."""

        def turned(match: re.Match[str]) -> str:
            url = html.unescape(match[2][1:-1]).strip()
            if not url.lower().startswith(_WEB) or url.startswith(f"{self.base}/"):
                return match[0]
            link = self.link(mail._replace(url=url))
            return match[0] if len(link) > TOKEN_CHARS_MAX else f'{match[1]}"{html.escape(link)}"'

        return _ANCHOR.sub(lambda anchor: _HREF.sub(turned, anchor[0], 1), text)

    def _seen(self, text: str, mail: Tracked) -> str:
        """An image that is one transparent point, at the end."""
        image = f'<img src="{html.escape(self.link(mail))}" width="1" height="1" alt="">'
        ends = [match.start() for match in _END.finditer(text)]
        at = ends[-1] if ends else len(text)
        return text[:at] + image + text[at:]


def write(pepper: bytes, tracked: Tracked) -> str:
    """What something is of, signed."""
    said = tracked.account_id + tracked.delivery_id + tracked.url.encode(errors="replace")
    return base64.urlsafe_b64encode(_mark(pepper, said) + said).decode().rstrip("=")


def read(pepper: bytes, token: str) -> Tracked | None:
    """What `write` wrote, None for anything else."""
    if len(token) > TOKEN_CHARS_MAX:
        return None
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        return None
    mark, said = raw[:MARK_BYTES], raw[MARK_BYTES:]
    if len(raw) < HEAD_BYTES or not hmac.compare_digest(mark, _mark(pepper, said)):
        return None
    delivery_id = DeliveryId(said[ID_BYTES : 2 * ID_BYTES])
    return Tracked(AccountId(said[:ID_BYTES]), delivery_id, said[2 * ID_BYTES :].decode())


def note(tx: Tx, tracked: Tracked, visitor: Visitor, now: int) -> bool:
    """Keep what was done with a mail, and tell endpoints of it; a mail that is no more is not
    tracked. Returns whether there is something to deliver.
    """
    delivery = outbox.find(tx, tracked.account_id, tracked.delivery_id)
    if delivery is None:
        return False
    track = Track(
        account_id=tracked.account_id,
        delivery_id=tracked.delivery_id,
        id=ids.new_at(now),
        kind=tracked.kind,
        url=tracked.url or None,
        address=visitor.address,
        agent=visitor.agent[:AGENT_MAX],
    )
    if not tracks.add(tx, track):
        return False
    told = Happened(
        account_id=track.account_id,
        project_id=delivery.project_id,
        type=happen.OPENED if track.kind is TrackKind.OPENED else happen.CLICKED,
        data={
            "messageId": ids.show("message", delivery.message_id),
            "deliveryId": ids.show("delivery", delivery.id),
            "url": track.url,
            "at": clock.iso(now),
        },
    )
    _tell_emailit(tx, track, delivery, now)
    return bool(happen.tell(tx, [told], now))


def _tell_emailit(tx: Tx, track: Track, delivery: Delivery, now: int) -> None:
    message = outbox.get_message(tx, track.account_id, delivery.message_id)
    if message.type != milestones.MAIL:
        return
    mail = milestones.mail(message, delivery, milestones.status_of(delivery, now))
    opened = track.kind is TrackKind.OPENED
    what: dict[str, Any] = {
        "object": "load" if opened else "click",
        "id": ids.show("trk", track.id),
        "email_id": mail["id"],
        "email": {
            "id": mail["id"],
            "rcpt_to": mail["to"],
            "mail_from": mail["from"],
            "subject": mail["subject"],
            "created_at": mail["created_at"],
            "meta": mail["meta"],
        },
        "ip_address": track.address,
        "user_agent": track.agent,
        "created_at": milestones.moment(now),
    }
    if track.url is not None:
        what["link"] = {"id": None, "url": track.url}
    found = Milestone(
        account_id=track.account_id,
        project_id=delivery.project_id,
        type="email.loaded" if opened else "email.clicked",
        object=what,
    )
    milestones.note(tx, [found], now)


def _mark(pepper: bytes, said: bytes) -> bytes:
    return hmac.digest(pepper, PURPOSE + said, "sha256")[:MARK_BYTES]
