"""Keys of your own users, as values, and as the JSON they travel in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, is_dataclass
from datetime import datetime
from typing import Any, Literal, TypedDict

from gatepost_client.errors import UnavailableError
from gatepost_client.wire import read_moment


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `limit` checks in any `seconds`."""

    limit: int
    seconds: int


@dataclass(frozen=True, slots=True)
class Quota:
    """At most `limit` units of cost in each day or month of an IANA time zone."""

    limit: int
    period: Literal["day", "month"]
    timezone: str = "UTC"


class KeyTerms(TypedDict, total=False):
    """What a key may, and until when; what is left out stays as it is, or is as usual.

    `customer_id` binds the key to one customer.
    """

    scopes: Sequence[str]
    limits: Sequence[Limit]
    quota: Quota | None
    metadata: Mapping[str, Any]
    customer_id: str | None
    expires_at: datetime | None


class NewKey(KeyTerms, total=False):
    """`prefix` is what its secrets begin with, `project_id` needed where there are several."""

    prefix: str
    project_id: str


class KeyChanges(KeyTerms, total=False):
    """A key that is not `enabled` is refused as long as that lasts."""

    name: str
    enabled: bool


@dataclass(frozen=True, slots=True)
class GateKey:
    """A key of one of your users; `start` is how its secret begins."""

    id: str
    project_id: str
    name: str
    start: str
    scopes: tuple[str, ...]
    limits: tuple[Limit, ...]
    quota: Quota | None
    metadata: Mapping[str, Any]
    customer_id: str | None
    enabled: bool
    expires_at: datetime | None
    created_at: datetime | None
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True)
class MintedKey:
    """A key and its secret, which is told this once."""

    key: GateKey
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class KeyPage:
    """Some keys; `next_cursor` leads to the next ones, None where these are the last."""

    keys: tuple[GateKey, ...]
    next_cursor: str | None


def write(terms: Mapping[str, Any]) -> dict[str, Any]:
    """Terms as JSON."""
    return {_camel(name): _plain(value) for name, value in terms.items()}


def read_key(data: Any) -> GateKey:
    """A key from its JSON; raises UnavailableError."""
    try:
        return _read(data)
    except (AttributeError, KeyError, TypeError, ValueError):
        pass
    raise UnavailableError("a key came in a form that is not understood")


def read_minted(data: Any) -> MintedKey:
    """A key with its secret; raises UnavailableError."""
    key = read_key(data)
    secret = data.get("key")
    if not isinstance(secret, str):
        raise UnavailableError("a new key came without its secret")
    return MintedKey(key, secret)


def read_page(data: Any) -> KeyPage:
    """A page of keys; raises UnavailableError."""
    if not isinstance(data, dict) or not isinstance(data.get("keys"), list):
        raise UnavailableError("keys came in a form that is not understood")
    return KeyPage(tuple(read_key(one) for one in data["keys"]), data.get("nextCursor"))


def _read(data: Mapping[str, Any]) -> GateKey:
    return GateKey(
        id=str(data["id"]),
        project_id=str(data["projectId"]),
        name=str(data["name"]),
        start=str(data["start"]),
        scopes=tuple(data["scopes"]),
        limits=tuple(Limit(one["limit"], one["seconds"]) for one in data["limits"]),
        quota=Quota(**data["quota"]) if data["quota"] else None,
        metadata=data["metadata"],
        customer_id=data["customerId"],
        enabled=data["enabled"],
        expires_at=read_moment(data["expiresAt"]),
        created_at=read_moment(data["createdAt"]),
        last_used_at=read_moment(data["lastUsedAt"]),
    )


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.title() for word in rest)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(one) for one in value]
    return value
