"""What is answered where no endpoint is: a page, which methods there are, or nothing."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

import msgspec

from gatepost.base.errors import AppError, Code
from gatepost.gate.once import Reply
from gatepost.web.contract import Dialect, Services
from gatepost.web.router import Router

PAGE_METHODS = ("GET", "HEAD")
NOWHERE = "none"
WHERE = "where"
"""Under which a refusal has the method and the path that nothing was found at."""


class Beside(NamedTuple):
    """A reply, the dialect it is given in, and the place it is counted at."""

    dialect: Dialect
    reply: Reply
    place: tuple[str, str] = (NOWHERE, NOWHERE)


def answer(
    router: Router,
    services: Services,
    where: tuple[str, str],
    methods: Collection[str] | None,
    request_id: str,
) -> Beside:
    """Answer a method and path; `methods` are those of the endpoints that are there."""
    method, path = where
    dialect, page = router.page_of(path)
    if page is None:
        return Beside(dialect, nowhere(dialect, where, methods, request_id))
    if method not in PAGE_METHODS:
        return Beside(dialect, nowhere(dialect, where, PAGE_METHODS, request_id))
    told = page.answer(services)
    reply = told if isinstance(told, Reply) else Reply(200, msgspec.json.encode(told))
    return Beside(dialect, reply, (dialect.name, page.path))


def nowhere(
    dialect: Dialect, where: tuple[str, str], methods: Collection[str] | None, request_id: str
) -> Reply:
    """Say that nothing is there, or for which methods something is: `where` is a method and a
    path, which a dialect finds in the refusal.
    """
    method, _ = where
    if not methods:
        refusal = AppError(Code.NOT_FOUND, "No such path", extra={WHERE: where})
        return dialect.error(refusal, request_id, None)
    if method == "OPTIONS" and dialect.preflight:
        return Reply(204, b"", tuple(dialect.preflight))
    allowed = ", ".join([*sorted(methods), *(["OPTIONS"] if dialect.preflight else [])])
    extra: dict[str, object] = {"allow": allowed, WHERE: where}
    refusal = AppError(Code.METHOD_NOT_ALLOWED, f"Use {allowed}", extra=extra)
    return dialect.error(refusal, request_id, None)
