"""Texts of messages, by their alias."""

from __future__ import annotations

from collections.abc import Sequence

from gatepost.base.ids import AccountId
from gatepost.cli.imports.cells import Cells, Column
from gatepost.cli.imports.running import Verdict, created, each, exists
from gatepost.cli.local import Local
from gatepost.domains.templates import render, store
from gatepost.domains.templates.model import Template
from gatepost.domains.templates.store import NOUN
from gatepost.engine import publish
from gatepost.engine.publish import NewTemplate
from gatepost.storage.db import Tx

COLUMNS = (
    Column("alias", ("slug", "template"), needed=True),
    Column("name", ("title",)),
    Column("subject", ("subject_line",), needed=True),
    Column("html", ("html_body", "body_html")),
    Column("text", ("text_body", "body_text", "plain_text")),
    Column("from", ("sender", "from_email")),
    Column("reply_to"),
    Column("published", ("published_at", "is_published")),
)
SAME = ("name", "subject", "html", "text", "sender", "reply_to")


class Templates:
    """Imports templates of one account."""

    columns: Sequence[Column] = COLUMNS
    named: str = "alias"
    batch: int = 100
    whole: bool = True

    def __init__(self, local: Local, account_id: AccountId) -> None:
        """Nothing is done yet."""
        self._local = local
        self._account_id = account_id

    def read(self, cells: Cells) -> NewTemplate:
        """Read one; raises ValueError, and INVALID for texts that are no templates."""
        alias = cells.needed("alias")
        new = NewTemplate(
            alias=alias,
            name=cells.word("name") or alias,
            subject=cells.needed("subject"),
            html=cells.text("html") or None,
            text=cells.text("text") or None,
            sender=cells.word("from"),
            reply_to=cells.word("reply_to"),
            publish=_published(cells),
        )
        render.check(subject=new.subject, html=new.html, text=new.text)
        return new

    def name(self, item: NewTemplate) -> str:
        """The alias."""
        return item.alias

    def prepare(self, items: Sequence[NewTemplate], *, dry: bool) -> None:
        """Reading has done what takes long."""

    def keep(self, tx: Tx, items: Sequence[NewTemplate]) -> list[Verdict]:
        """Keep them one by one."""
        return each(tx, items, self._one)

    def _one(self, tx: Tx, new: NewTemplate) -> Verdict:
        for known in store.versions(tx, self._account_id, new.alias):
            if all(getattr(known, field) == getattr(new, field) for field in SAME):
                return exists(NOUN, known.id, _stand(known))
        local = self._local
        made = publish.create(tx, self._account_id, new, local.actor, local.now())
        return created(NOUN, made.id, _stand(made))


def _published(cells: Cells) -> bool | None:
    """Whether a version goes out: a moment says so too, and null says that it does not."""
    if not cells.has("published"):
        return None
    value = cells.any("published")
    if isinstance(value, str) and len(value) > len("false"):
        return cells.moment("published") is not None
    return bool(cells.flag("published"))


def _stand(template: Template) -> str:
    stand = "published" if template.published_at is not None else "a draft"
    return f"version {template.version}, {stand}"
