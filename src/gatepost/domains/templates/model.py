"""What a template is. Pure."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from gatepost.base.errors import invalid
from gatepost.base.ids import AccountId, TemplateId

ALIAS_MAX = 100
NAME_MAX = 191
SUBJECT_MAX = 500
SENDER_MAX = 191
SOURCE_MAX = 200_000
"""Characters of html, and of text."""

LINES = {
    "name": NAME_MAX,
    "subject": SUBJECT_MAX,
    "sender": SENDER_MAX,
    "reply_to": SENDER_MAX,
}
"""Fields that are one line, and their characters."""

ALIAS = r"^[a-z0-9_-]+$"
_LINE = re.compile(r"[^\x00-\x1f\x7f]*")


class Template(msgspec.Struct, frozen=True, kw_only=True):
    """One version of a template; all versions share their alias, and one of them at most is
    published. Times in ms.

    `sender` and `reply_to` are addresses for messages that name none; empty: none.
    """

    account_id: AccountId
    id: TemplateId
    alias: str
    version: int
    name: str
    subject: str
    html: str | None
    text: str | None
    sender: str = ""
    reply_to: str = ""
    published_at: int | None = None
    created_at: int
    updated_at: int
    deleted_at: int | None = None


class Rendered(msgspec.Struct, frozen=True):
    """What a template makes of some variables."""

    subject: str
    html: str | None
    text: str | None


def check(template: Template) -> None:
    """Raise INVALID for what can be no template, whatever its texts mean."""
    named = re.fullmatch(ALIAS, template.alias) and len(template.alias) <= ALIAS_MAX
    problems = [
        *_faulty(not named, "alias", f"1 to {ALIAS_MAX} of a-z, 0-9, _ and -"),
        *_faulty(
            template.html is None and template.text is None, "html", "Give html, text or both"
        ),
    ]
    for field, chars in LINES.items():
        line = getattr(template, field)
        problems += _faulty(not _LINE.fullmatch(line), _wire(field), "Must be one line")
        problems += _faulty(len(line) > chars, _wire(field), f"At most {chars} characters")
    for field in ("html", "text"):
        source = getattr(template, field) or ""
        problems += _faulty("\x00" in source, field, "Must not contain U+0000")
        problems += _faulty(len(source) > SOURCE_MAX, field, f"At most {SOURCE_MAX} characters")
    if problems:
        raise invalid(*problems)


def _faulty(is_so: bool, field: str, words: str) -> list[tuple[list[str | int], str]]:  # noqa: FBT001 # the verdict itself
    return [([field], words)] if is_so else []


def describe(template: Template) -> dict[str, Any]:
    """What the audit log says of it."""
    return {
        "alias": template.alias,
        "version": template.version,
        "name": template.name,
        "subject": template.subject,
        "published": template.published_at is not None,
    }


def _wire(field: str) -> str:
    return {"sender": "from", "reply_to": "replyTo"}.get(field, field)
