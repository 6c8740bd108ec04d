"""What a caught mail is. Pure."""

from __future__ import annotations

import msgspec

from gatepost.base.ids import AccountId, DeliveryId, MailId, MessageId, ProjectId


class Mail(msgspec.Struct, frozen=True, kw_only=True):
    """A mail to one recipient, caught. When is in its id; `size` is that of its text in bytes."""

    account_id: AccountId
    id: MailId
    project_id: ProjectId
    message_id: MessageId
    delivery_id: DeliveryId
    sender: str
    recipient: str
    subject: str
    size: int
