"""`/v1/reports/shares`: reports that whoever has a link may look at."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from gatepost.base import clock, ids
from gatepost.base.errors import Code
from gatepost.base.ids import AggregatorId, ShareId
from gatepost.dialects.native import admin
from gatepost.dialects.native.admin import DeletedOut, PageQuery
from gatepost.dialects.native.envelope import ok
from gatepost.dialects.native.keywire import Expiry, read_moment
from gatepost.domains.shares import model, store
from gatepost.domains.shares.model import Share
from gatepost.engine import share as sharing
from gatepost.engine.share import NewShare
from gatepost.gate.once import Reply
from gatepost.gate.scopes import Scope
from gatepost.storage import paging
from gatepost.storage.db import Tx
from gatepost.web.contract import Call
from gatepost.web.validate import Body

PAGE = "/dashboard/shared/"

Name = Annotated[str, Meta(min_length=1, max_length=model.NAME_MAX, description="What it is for.")]
Id = Annotated[str, Meta(max_length=255)]
View = Annotated[
    str,
    Meta(
        max_length=model.VIEW_MAX,
        description="How it is shown: the query of the report's page in the dashboard. Days that "
        "it names by their distance, as the last seven, go on with the time.",
        examples=["period=7d&by=tag"],
    ),
]
Ends = Annotated[str, Meta(description="When it ends, ISO 8601; null: when it is revoked.")]


class NewShareIn(msgspec.Struct, rename="camel", forbid_unknown_fields=True, frozen=True):
    """A share to be: of an aggregator, or of the events of a project that is `counting`."""

    name: Name
    aggregator_id: Id | None = None
    project_id: Id | None = None
    view: View = ""
    expires_at: Expiry | None = None


class ShareOut(msgspec.Struct, rename="camel"):
    """A share. Of `aggregatorId` and `projectId` one is null."""

    id: str
    name: Name
    aggregator_id: str | None
    project_id: str | None
    view: View
    created_by: Annotated[str, Meta(description="Who made it: a key's name or an address.")]
    created_at: str
    expires_at: Ends | None


class MadeShareOut(ShareOut, rename="camel", kw_only=True):
    """A share with its secret, which is shown this once."""

    secret: Annotated[str, Meta(description="Whoever has it can read the report.")]
    path: Annotated[str, Meta(description="Where this service shows the report.")]


class SharesOut(msgspec.Struct, rename="camel"):
    """A page of shares; `next_cursor` is null on the last one."""

    shares: list[ShareOut]
    next_cursor: str | None


_new_body = Body(NewShareIn)


def parse_new(call: Call, body: bytes) -> NewShare:
    """Read a share to be; raises INVALID, or NOT_FOUND."""
    new: NewShareIn = _new_body.decode(body)
    aggregator, project = new.aggregator_id, new.project_id
    return NewShare(
        name=new.name,
        aggregator_id=None if aggregator is None else read_aggregator(aggregator),
        project_id=None if project is None else admin.read_project(call, project),
        view=new.view,
        expires_at=None if new.expires_at is None else read_moment(new.expires_at),
    )


def read_aggregator(text: str) -> AggregatorId:
    """Read an aggregator's id; raises NOT_FOUND."""
    return AggregatorId(ids.parse("aggregator", text))


def create(tx: Tx, call: Call, new: NewShare) -> Reply:
    """Share a report."""
    admin.grantor(tx, call)
    pepper = call.services.pepper
    made = sharing.create_share(tx, call.caller.account_id, new, pepper, call.actor, call.now)
    told = msgspec.structs.asdict(show(made.share))
    shown = MadeShareOut(**told, secret=made.secret, path=PAGE + made.secret)
    return ok(call, shown, 201, secret=True, about=shown.id)


def parse_page(call: Call, _body: bytes) -> tuple[bytes | None, int]:
    """Read which page; raises INVALID."""
    return admin.read_page(call)


def list_(tx: Tx, call: Call, command: tuple[bytes | None, int]) -> Reply:
    """A page of the account's shares."""
    before, limit = command
    found = store.list_(tx, call.caller.account_id, before=before, limit=limit + 1)
    page = paging.page(found, limit, lambda one: one.id)
    return ok(call, SharesOut([show(one) for one in page.rows], page.next_cursor))


def parse_id(call: Call, _body: bytes) -> ShareId:
    """Read the id in the path; raises NOT_FOUND."""
    return ShareId(ids.parse("share", call.params["id"]))


def get(tx: Tx, call: Call, share_id: ShareId) -> Reply:
    """Read one share."""
    return ok(call, show(store.get(tx, call.caller.account_id, share_id)))


def revoke(tx: Tx, call: Call, share_id: ShareId) -> Reply:
    """End a share."""
    admin.grantor(tx, call)
    account_id = call.caller.account_id
    gone = sharing.revoke_share(tx, account_id, share_id, call.actor, call.now)
    return ok(call, DeletedOut(ids.show("share", gone.id), gone.name))


def show(share: Share) -> ShareOut:
    """Write a share for the wire."""
    aggregator, project = share.aggregator_id, share.project_id
    return ShareOut(
        ids.show("share", share.id),
        share.name,
        None if aggregator is None else ids.show("aggregator", aggregator),
        None if project is None else ids.show("project", project),
        share.view,
        share.created_by,
        clock.iso(share.created_at),
        admin.moment(share.expires_at),
    )


_endpoint = admin.managing("Aggregators", Scope.AGGREGATORS_READ, Scope.AGGREGATORS_WRITE)
PATH = "/v1/reports/shares"

ENDPOINTS = (
    _endpoint(
        "createShare",
        "POST",
        PATH,
        summary="Share a report",
        description="Whoever has the `path` can look at this one report, without a key, until it "
        "is revoked or ends. The secret is in the reply and nowhere else, so the reply is not "
        "remembered: the same `Idempotency-Key` again is 409.",
        parse=parse_new,
        run=create,
        status=201,
        request=NewShareIn,
        response=MadeShareOut,
        example={
            "name": "For the board",
            "aggregatorId": "aggregator_01998f1cd2a77c03b1f2a64d5e8f9a0b",
            "view": "period=30d&by=event",
        },
        errors=(Code.NOT_FOUND, Code.CONFLICT, Code.IDEMPOTENCY_CONFLICT),
    ),
    _endpoint(
        "listShares",
        "GET",
        PATH,
        summary="List shared reports",
        description="Newest first. Those that have ended are forgotten when the next one is made.",
        parse=parse_page,
        run=list_,
        query=PageQuery,
        response=SharesOut,
    ),
    _endpoint(
        "getShare",
        "GET",
        f"{PATH}/{{id}}",
        summary="Read a shared report's terms",
        parse=parse_id,
        run=get,
        response=ShareOut,
        errors=(Code.NOT_FOUND,),
    ),
    _endpoint(
        "revokeShare",
        "DELETE",
        f"{PATH}/{{id}}",
        summary="Stop sharing a report",
        description="The link shows nothing from now on.",
        parse=parse_id,
        run=revoke,
        response=DeletedOut,
        errors=(Code.NOT_FOUND, Code.IDEMPOTENCY_CONFLICT),
    ),
)
