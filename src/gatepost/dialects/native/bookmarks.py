"""`/v1/bookmarks`: pages of the dashboard that an operator has kept under a name."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from gatepost.base import clock, ids
from gatepost.base.errors import AppError, Code
from gatepost.base.ids import BookmarkId, MembershipId
from gatepost.dialects.native import admin
from gatepost.dialects.native.admin import DeletedOut
from gatepost.dialects.native.envelope import ok
from gatepost.dialects.native.meta import nothing
from gatepost.domains.operators import bookmarks
from gatepost.domains.operators.bookmarks import Bookmark
from gatepost.gate.once import Reply
from gatepost.gate.scopes import Scope
from gatepost.storage.db import Tx
from gatepost.web.contract import Call
from gatepost.web.validate import Body

FORBIDDEN = AppError(Code.FORBIDDEN, "Only operators who are signed in have bookmarks")
PATH = "/v1/bookmarks"

BookmarkName = Annotated[
    str,
    Meta(min_length=1, max_length=60, pattern=r"^\S(.*\S)?$", examples=["Refunds in Europe"]),
]
Place = Annotated[
    str,
    Meta(
        max_length=2000,
        pattern=r"^[a-z][a-z0-9_/-]*(\?[!-~]*)?$",
        description="The page's address below `/dashboard/<account>/`, query included.",
        examples=["feed?tag=refund"],
    ),
]


class NewBookmarkIn(msgspec.Struct, rename="camel", forbid_unknown_fields=True, frozen=True):
    """A page to keep."""

    name: BookmarkName
    place: Place


class BookmarkOut(msgspec.Struct, rename="camel"):
    """A page that is kept."""

    id: str
    name: BookmarkName
    place: Place
    created_at: str


class BookmarksOut(msgspec.Struct):
    """All of one's own in this account, by name."""

    bookmarks: list[BookmarkOut]


_body = Body(NewBookmarkIn)


def parse(call: Call, body: bytes) -> None:
    """Read nothing; raises FORBIDDEN."""
    _mine(call)
    nothing(call, body)


def list_(tx: Tx, call: Call, _command: None) -> Reply:
    """All of one's own."""
    found = bookmarks.list_(tx, call.caller.account_id, _mine(call))
    return ok(call, BookmarksOut([show(one) for one in found]))


def parse_new(call: Call, body: bytes) -> NewBookmarkIn:
    """Read what to keep; raises INVALID, and FORBIDDEN."""
    _mine(call)
    given: NewBookmarkIn = _body.decode(body)
    return given


def create(tx: Tx, call: Call, command: NewBookmarkIn) -> Reply:
    """Keep a page; raises CONFLICT."""
    admin.grantor(tx, call)
    made = Bookmark(BookmarkId(ids.new()), command.name, command.place, call.now)
    bookmarks.append(tx, call.caller.account_id, _mine(call), made)
    return ok(call, show(made), 201)


def parse_id(call: Call, _body: bytes) -> BookmarkId:
    """Read the id in the path; raises NOT_FOUND, and FORBIDDEN."""
    _mine(call)
    return BookmarkId(ids.parse("bookmark", call.params["id"]))


def delete(tx: Tx, call: Call, bookmark_id: BookmarkId) -> Reply:
    """Forget a page."""
    bookmarks.remove(tx, call.caller.account_id, _mine(call), bookmark_id)
    return ok(call, DeletedOut(ids.show("bookmark", bookmark_id), ""))


def _mine(call: Call) -> MembershipId:
    """What stands in the place of a key: the caller's membership."""
    if call.caller.operator is None:
        raise AppError(FORBIDDEN.code, FORBIDDEN.detail)
    return MembershipId(call.caller.key_id)


def show(one: Bookmark) -> BookmarkOut:
    """Write one for the wire."""
    return BookmarkOut(ids.show("bookmark", one.id), one.name, one.place, clock.iso(one.created_at))


_endpoint = admin.managing("Operators", Scope.ANY, Scope.ANY, samples=(FORBIDDEN,))

ENDPOINTS = (
    _endpoint(
        "listBookmarks",
        "GET",
        PATH,
        summary="List your bookmarks",
        description="Pages of the dashboard that you, who are signed in, keep in this account.",
        parse=parse,
        run=list_,
        response=BookmarksOut,
    ),
    _endpoint(
        "createBookmark",
        "POST",
        PATH,
        summary="Keep a page",
        description=f"At most {bookmarks.BOOKMARKS_MAX} of yours in one account. Nobody else sees "
        "them.",
        parse=parse_new,
        run=create,
        status=201,
        request=NewBookmarkIn,
        response=BookmarkOut,
        example={"name": "Refunds in Europe", "place": "feed?tag=refund&tag=eu"},
        errors=(Code.CONFLICT, Code.IDEMPOTENCY_CONFLICT),
    ),
    _endpoint(
        "deleteBookmark",
        "DELETE",
        f"{PATH}/{{id}}",
        summary="Forget a page",
        parse=parse_id,
        run=delete,
        response=DeletedOut,
        errors=(Code.NOT_FOUND, Code.IDEMPOTENCY_CONFLICT),
    ),
)
