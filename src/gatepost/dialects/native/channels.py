"""`/v1/channels`."""

from __future__ import annotations

import msgspec

from gatepost.base import clock, ids
from gatepost.dialects.native.envelope import ok
from gatepost.dialects.native.listing import NoQuery
from gatepost.domains.channels import store
from gatepost.domains.channels.model import Channel
from gatepost.gate.once import Reply
from gatepost.gate.scopes import Scope
from gatepost.storage.db import Tx
from gatepost.web import query as queries
from gatepost.web.contract import Call, Endpoint, free


class ChannelOut(msgspec.Struct, rename="camel"):
    """A channel. `icon` and `description` come from its first event."""

    id: str
    name: str
    icon: str | None
    description: str | None
    created_at: str


class ChannelsOut(msgspec.Struct):
    """All channels of the project, by name."""

    channels: list[ChannelOut]


def parse(call: Call, _body: bytes) -> None:
    """Take no parameters; raises INVALID for any."""
    queries.read(call, NoQuery)


def run(tx: Tx, call: Call, _command: None) -> Reply:
    """List the project's channels."""
    return ok(call, ChannelsOut([_show(one) for one in store.list_(tx, call.project_id)]))


def _show(channel: Channel) -> ChannelOut:
    return ChannelOut(
        ids.show("channel", channel.id),
        channel.name,
        channel.icon,
        channel.description,
        clock.iso(channel.created_at),
    )


ENDPOINTS = (
    Endpoint(
        operation="listChannels",
        method="GET",
        path="/v1/channels",
        scope=Scope.EVENTS_READ,
        summary="List channels",
        tag="Channels",
        parse=parse,
        run=run,
        charge=free,
        writes=False,
        query=NoQuery,
        response=ChannelsOut,
    ),
)
