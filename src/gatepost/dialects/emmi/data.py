"""`POST /echo-estimates`: stands in for EMMI's data endpoints. What it is sent comes back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from gatepost.base.errors import AppError, Code, FieldError
from gatepost.base.ids import CustomerId
from gatepost.dialects.emmi import wire
from gatepost.dialects.emmi.envelope import reply
from gatepost.dialects.emmi.paths import place
from gatepost.dialects.emmi.wire import Problem
from gatepost.domains.plans.model import Meter
from gatepost.gate.once import Charge, Reply
from gatepost.gate.scopes import Scope
from gatepost.storage.db import Tx
from gatepost.web import validate
from gatepost.web.contract import Call, Endpoint, Naming

NONE_GIVEN = FieldError((), "Must hold at least one entity")


class EntityInfo(msgspec.Struct):
    """What an entity is. Other members are passed over."""

    identifier: str | UnsetType = UNSET
    name: str | UnsetType | None = UNSET
    asset_type: str | UnsetType | None = UNSET


class Entity(msgspec.Struct):
    """What is asked about. Other members are passed over."""

    entity_info: EntityInfo | UnsetType = UNSET
    data: dict[str, Any] | list[Any] | UnsetType | None = UNSET


class EchoOut(msgspec.Struct):
    """What was sent, and how many entities that is."""

    data: list[dict[str, Any]]
    units: int
    request_id: str


class Asked(msgspec.Struct, frozen=True):
    """Entities that are asked about for a customer, or what is wrong with the body."""

    customer_id: CustomerId
    entities: list[Any]
    problem: Problem | None = None


def parse(call: Call, body: bytes) -> Asked:
    """Read the entities; what is wrong is kept, and told after the quota was asked."""
    payer = call.payer
    customer_id = CustomerId(b"") if payer is None else payer.customer_id
    try:
        return Asked(customer_id, _entities(call, body))
    except AppError as refusal:
        return Asked(customer_id, [], wire.problem_of(refusal))


def _entities(call: Call, body: bytes) -> list[Any]:
    wire.check_type(call, body)
    raw = wire.as_json(body)
    many = isinstance(raw, list)
    entities = raw if many else [raw]
    try:
        msgspec.convert(entities, list[Entity])
        if entities:
            return entities
    except (msgspec.ValidationError, RecursionError):
        pass
    problems = list(_problems(entities, many=many)) or [NONE_GIVEN]
    raise AppError(Code.INVALID, problems[0].message, fields=problems)


def _problems(entities: list[Any], *, many: bool) -> Iterator[FieldError]:
    """What is wrong with the first entities that have something wrong."""
    left = wire.DETAILS_MAX
    for index, one in enumerate(entities):
        found = validate.problems(Entity, one)[:left]
        for problem in found:
            path = (index, *problem.path) if many else problem.path
            yield FieldError(path, problem.message)
        left -= len(found)
        if not left:
            return


def run(_tx: Tx, calls: Sequence[Call], asked: Sequence[Asked]) -> list[Reply | AppError]:
    """Send back what came."""
    return [_answer(call, one) for call, one in zip(calls, asked, strict=True)]


def _answer(call: Call, one: Asked) -> Reply | AppError:
    if one.problem is not None:
        return one.problem.error()
    return reply(EchoOut(one.entities, len(one.entities), call.request_id))


def _charge(one: Asked) -> Charge:
    """A body that is wrong is priced too: where the quota is used up, that is told first."""
    return Charge(Meter.DATA, max(len(one.entities), 1))


def _realm(one: Asked) -> bytes:
    return one.customer_id


_path, _aliases = place("/echo-estimates")

ENDPOINTS = (
    Endpoint(
        operation="echoEstimates",
        method="POST",
        path=_path,
        aliases=_aliases,
        scope=Scope.DATA_WRITE,
        summary="Send entities, and get them back",
        description="Stands in for a data endpoint: it is checked, metered and charged like one. "
        "An array counts as many units as it has entities, an object one. With an "
        "`Idempotency-Key` a repeat for the same customer is served and counted once.",
        tag="Data",
        parse=parse,
        run=run,
        charge=_charge,
        writes=True,
        vector=True,
        light=True,
        project=False,
        customer=Naming.REQUIRED,
        realm=_realm,
        request=list[Entity] | Entity,
        response=EchoOut,
        example=[
            {
                "entity_info": {"identifier": "US0378331005", "asset_type": "equity"},
                "data": {"year": 2025},
            }
        ],
        errors=(Code.UNSUPPORTED_TYPE,),
        samples=(wire.no_json(), wire.no_end_user(), wire.wrong_end_user()),
    ),
)
