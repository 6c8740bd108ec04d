"""What is asked of a list of contacts or subscribers, in the terms of the database."""

from __future__ import annotations

from gatepost.base.errors import invalid
from gatepost.dialects.emailit import wire
from gatepost.dialects.emailit.lists import Asked
from gatepost.domains.contacts.filters import Sift, Term

TEXTS = {"email", "first_name", "last_name"}
FLAGS = {"subscribed", "unsubscribed"}
MOMENTS = {"created_at", "updated_at", "subscribed_at", "unsubscribed_at"}
WHETHER = {"empty", "not_empty"}
"""Conditions that compare with nothing."""
EXACTLY = {"exact", "not_exact"}


def sift(asked: Asked, limit: int) -> Sift:
    """Read which rows are wanted, `limit` of them at most; raises INVALID. `subscribed=` and
    `unsubscribed=` need no condition.
    """
    plain = [(name, "exact", value) for name, value in asked.pairs if name in FLAGS]
    terms = [_term(*one) for one in (*asked.tests, *plain)]
    return Sift(
        terms=tuple(one for one in terms if one is not None),
        either=asked.either,
        search=_clean(asked.search, "search"),
        order=asked.order,
        descending=asked.descending,
        offset=(asked.page - 1) * (limit - 1),
        limit=limit,
    )


def _term(field: str, condition: str, value: str) -> Term | None:
    name = f"{field}.{condition}"
    if field in TEXTS:
        return Term(field, condition, _clean(value, name))
    if field in FLAGS and condition in EXACTLY:
        return Term(field, condition, wire.flag(value, name))
    if field in MOMENTS:
        at = 0 if condition in WHETHER else wire.read_moment(value, name)
        return Term(field, condition, at)
    return None


def _clean(text: str, name: str) -> str:
    if "\x00" in text:
        raise invalid(([name], "Must not contain U+0000"))
    return text
