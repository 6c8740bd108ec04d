"""`/v1/push`: browsers that want to be told, and the key that they subscribe with."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gatepost.base import clock, ids
from gatepost.base.errors import Code, invalid, not_found
from gatepost.base.ids import DeviceId, ProjectId
from gatepost.delivery import urls
from gatepost.dialects.native import admin, reading
from gatepost.dialects.native.admin import Cursor, DeletedOut, Limit
from gatepost.dialects.native.envelope import ok
from gatepost.domains.devices import model, store
from gatepost.domains.devices.model import Device, Reach, Subscription
from gatepost.domains.projects import store as projects
from gatepost.engine import subscribe
from gatepost.engine.compose.push import CHANNEL_MAX
from gatepost.engine.subscribe import Lock, NewDevice
from gatepost.gate.once import Reply
from gatepost.gate.scopes import Scope
from gatepost.storage import paging
from gatepost.storage.db import Tx
from gatepost.web import query as queries
from gatepost.web.contract import Call, Endpoint, free
from gatepost.web.validate import Body

UserId = Annotated[
    str,
    Meta(min_length=1, max_length=model.USER_MAX, description="Whose device it is, to you."),
]
Text = Annotated[str, Meta(min_length=1, max_length=200)]


class BrowserKeysIn(msgspec.Struct, frozen=True):
    """What a browser's `PushSubscription` has as `keys`, in base64url."""

    p256dh: Text
    auth: Text


class DeviceScopeIn(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What a device wants to know of: exactly one of these."""

    project: Annotated[str, Meta(description="All of a project, by its id.")] | UnsetType = UNSET
    channel: (
        Annotated[
            str,
            Meta(min_length=1, max_length=CHANNEL_MAX, description="A channel, by its name."),
        ]
        | UnsetType
    ) = UNSET


class NewDeviceIn(msgspec.Struct, rename="camel", frozen=True):
    """A browser's `PushSubscription` as JSON, and what you want to add."""

    endpoint: Annotated[
        str,
        Meta(
            max_length=model.ENDPOINT_MAX,
            description="Its URL at its push service. It is kept encrypted, and shown nowhere.",
        ),
    ]
    keys: BrowserKeysIn
    user_id: UserId | UnsetType = UNSET
    scope: Annotated[
        Literal["all"] | DeviceScopeIn,
        Meta(
            description="What it is told of: `all`, or less. Through a key that is bound to a "
            "project, `all` is all of that project."
        ),
    ] = "all"


class OwnPushKeyIn(msgspec.Struct, rename="camel", forbid_unknown_fields=True, frozen=True):
    """A key of your own."""

    private_key: Annotated[
        str,
        Meta(
            min_length=43,
            max_length=44,
            description="The 32 bytes of a private key of P-256, in base64url, as `web-push` "
            "makes it. It is kept encrypted, and shown nowhere.",
        ),
    ]


class PushKeyOut(msgspec.Struct, rename="camel"):
    """What browsers subscribe with."""

    public_key: Annotated[
        str, Meta(description="In base64url, for `applicationServerKey` of `subscribe`.")
    ]
    created_at: str


class DeviceOut(msgspec.Struct, rename="camel"):
    """A device."""

    id: str
    project_id: str
    user_id: str | None
    scope: Reach
    channel: str | None
    host: Annotated[str, Meta(description="Its push service.")]
    created_at: str
    updated_at: str


class DevicesOut(msgspec.Struct, rename="camel"):
    """A page of devices; `next_cursor` is null on the last one."""

    devices: list[DeviceOut]
    next_cursor: str | None


class DevicesQuery(msgspec.Struct, rename="camel", frozen=True):
    """Which devices, and which page of them. All that is given must hold."""

    user_id: UserId | UnsetType = UNSET
    project: Annotated[str, Meta(description="A project's id.")] | UnsetType = UNSET
    cursor: Cursor | UnsetType = UNSET
    limit: Limit = paging.LIMIT_DEFAULT


_new_body = Body(NewDeviceIn)
_key_body = Body(OwnPushKeyIn)


def parse_nothing(_call: Call, _body: bytes) -> None:
    """There is nothing to read."""


def get_key(tx: Tx, call: Call, _command: None) -> Reply:
    """Read the key, which the first one to ask for makes."""
    kept = subscribe.key(tx, call.caller.account_id, Lock(call.services.pepper), call.now)
    return ok(call, PushKeyOut(subscribe.write(kept.public), clock.iso(kept.created_at)))


def parse_key(_call: Call, body: bytes) -> bytes:
    """Read a key; raises INVALID."""
    given: OwnPushKeyIn = _key_body.decode(body)
    try:
        scalar = subscribe.read(given.private_key)
        subscribe.private_key(scalar)
    except ValueError:
        raise invalid((["privateKey"], "Not a private key of P-256 in base64url")) from None
    return scalar


def put_key(tx: Tx, call: Call, scalar: bytes) -> Reply:
    """Replace the key."""
    admin.grantor(tx, call)
    account_id, lock = call.caller.account_id, Lock(call.services.pepper)
    kept = subscribe.replace_key(tx, account_id, scalar, lock, call.actor, call.now)
    return ok(call, PushKeyOut(subscribe.write(kept.public), clock.iso(kept.created_at)))


def parse_new(call: Call, body: bytes) -> NewDevice:
    """Read a device to be; raises INVALID, or NOT_FOUND for a project."""
    given: NewDeviceIn = _new_body.decode(body)
    wrong = urls.problem(given.endpoint, call.services.settings)
    if wrong:
        raise invalid((["endpoint"], wrong))
    member = subscribe.problem(given.keys.p256dh, given.keys.auth)
    if member:
        raise invalid((["keys", member], "Not what a browser gives, in base64url"))
    reach, project_id, channel = _reach(call, given.scope)
    return NewDevice(
        project_id=project_id,
        subscription=Subscription(given.endpoint, given.keys.p256dh, given.keys.auth),
        user_id=None if isinstance(given.user_id, UnsetType) else given.user_id,
        reach=reach,
        channel=channel,
    )


def _reach(call: Call, scope: str | DeviceScopeIn) -> tuple[Reach, ProjectId, str | None]:
    if not isinstance(scope, DeviceScopeIn):
        bound = call.caller.project_id is not None
        return Reach.PROJECT if bound else Reach.ALL, call.project_id, None
    if (scope.project is UNSET) == (scope.channel is UNSET):
        raise invalid((["scope"], "Give exactly one of project, channel"))
    if isinstance(scope.channel, str):
        return Reach.CHANNEL, call.project_id, scope.channel
    return Reach.PROJECT, admin.read_project(call, str(scope.project)), None


def create(tx: Tx, call: Call, command: NewDevice) -> Reply:
    """Register a device."""
    account_id = call.caller.account_id
    if command.project_id != call.project_id:
        projects.get(tx, account_id, command.project_id)
    made = subscribe.register(tx, account_id, command, Lock(call.services.pepper), call.now)
    return ok(call, show(made), 201)


def parse_list(call: Call, _body: bytes) -> tuple[DevicesQuery, ProjectId | None, bytes | None]:
    """Read which devices; raises INVALID, or NOT_FOUND."""
    query: DevicesQuery = queries.read(call, DevicesQuery)
    return query, reading.project(call, query.project), admin.read_cursor(query.cursor)


def list_(
    tx: Tx, call: Call, command: tuple[DevicesQuery, ProjectId | None, bytes | None]
) -> Reply:
    """A page of devices."""
    query, project_id, after = command
    found = store.list_(
        tx,
        call.caller.account_id,
        project_id=project_id,
        user_id=None if isinstance(query.user_id, UnsetType) else query.user_id,
        after=None if after is None else DeviceId(after),
        limit=query.limit + 1,
    )
    page = paging.page(found, query.limit, lambda one: one.id)
    return ok(call, DevicesOut([show(one) for one in page.rows], page.next_cursor))


def parse_id(call: Call, _body: bytes) -> DeviceId:
    """Read the id in the path; raises NOT_FOUND."""
    return DeviceId(ids.parse("device", call.params["id"]))


def get(tx: Tx, call: Call, device_id: DeviceId) -> Reply:
    """Read one device."""
    return ok(call, show(_find(tx, call, device_id)))


def delete(tx: Tx, call: Call, device_id: DeviceId) -> Reply:
    """Forget a device."""
    found = _find(tx, call, device_id)
    store.remove(tx, found.account_id, found.id)
    return ok(call, DeletedOut(ids.show("device", found.id), found.host))


def _find(tx: Tx, call: Call, device_id: DeviceId) -> Device:
    found = store.get(tx, call.caller.account_id, device_id)
    if admin.bound_elsewhere(call, found.project_id):
        raise not_found("device with this id")
    return found


def show(device: Device) -> DeviceOut:
    """Write a device for the wire."""
    return DeviceOut(
        ids.show("device", device.id),
        ids.show("project", device.project_id),
        device.user_id,
        device.reach,
        device.channel,
        device.host,
        clock.iso(device.created_at),
        clock.iso(device.updated_at),
    )


def _endpoint(operation: str, method: str, path: str, *, writes: bool, **more: Any) -> Endpoint:
    return Endpoint(
        operation=operation,
        method=method,
        path=path,
        tag="Push",
        charge=free,
        writes=writes,
        **more,
    )


ENDPOINTS = (
    _endpoint(
        "getPushKey",
        "GET",
        "/v1/push/key",
        scope=Scope.PUSH_READ,
        summary="Read the push key",
        description="The public key that the account's pages subscribe browsers with. It is made "
        "when it is first asked for, and stays the same.",
        parse=parse_nothing,
        run=get_key,
        writes=True,
        project=False,
        response=PushKeyOut,
    ),
    _endpoint(
        "replacePushKey",
        "PUT",
        "/v1/push/key",
        scope=Scope.PUSH_KEY_WRITE,
        summary="Bring a push key",
        description="For browsers that have subscribed with a key of yours. Those that subscribed "
        "with the former key are told nothing more.",
        parse=parse_key,
        run=put_key,
        writes=True,
        admin=True,
        project=False,
        request=OwnPushKeyIn,
        response=PushKeyOut,
        example={"privateKey": "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94"},
        errors=(Code.IDEMPOTENCY_CONFLICT,),
    ),
    _endpoint(
        "createDevice",
        "POST",
        "/v1/push/devices",
        scope=Scope.PUSH_WRITE,
        summary="Register a device",
        description="The body may be a browser's `PushSubscription` as it is. One whose `endpoint` "
        "is known keeps its id, and all else of it is replaced.",
        parse=parse_new,
        run=create,
        writes=True,
        status=201,
        request=NewDeviceIn,
        response=DeviceOut,
        example={
            "endpoint": "https://push.example.net/push/JzLQ3raZJfFBR0aqvOMsLrt54w4rJUsV",
            "keys": {
                "p256dh": "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcx"
                "aOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
                "auth": "BTBZMqHH6r4Tts7J_aSIgg",
            },
            "userId": "user_42",
        },
        errors=(Code.CONFLICT, Code.IDEMPOTENCY_CONFLICT, Code.NOT_FOUND),
    ),
    _endpoint(
        "listDevices",
        "GET",
        "/v1/push/devices",
        scope=Scope.PUSH_READ,
        summary="List devices",
        description="Oldest first. A key bound to a project sees that project's.",
        parse=parse_list,
        run=list_,
        writes=False,
        project=False,
        query=DevicesQuery,
        response=DevicesOut,
        errors=(Code.NOT_FOUND,),
    ),
    _endpoint(
        "getDevice",
        "GET",
        "/v1/push/devices/{id}",
        scope=Scope.PUSH_READ,
        summary="Read a device",
        parse=parse_id,
        run=get,
        writes=False,
        project=False,
        response=DeviceOut,
        errors=(Code.NOT_FOUND,),
    ),
    _endpoint(
        "deleteDevice",
        "DELETE",
        "/v1/push/devices/{id}",
        scope=Scope.PUSH_WRITE,
        summary="Forget a device",
        description="Nothing more is sent to it.",
        parse=parse_id,
        run=delete,
        writes=True,
        project=False,
        response=DeletedOut,
        errors=(Code.NOT_FOUND, Code.IDEMPOTENCY_CONFLICT),
    ),
)
