"""POST /v1/identify: the reply, replaced or merged properties, and who owns an alias."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from tests.dialects.native.wire import (
    INSTANT,
    Wire,
    a_person,
    at_once,
    data_of,
    problems_of,
)
from tests.server import Server, Tenant, unique

TAKEN = "Alias already exists"


@pytest.mark.parametrize("path", ["/v1/identify", "//v1/identify", "/api/v1/identify"])
def test_addresses_of_identify(wire: Wire, path: str) -> None:
    person = a_person()
    assert data_of(wire.post(path, person), 200)["userId"] == person["user_id"]


# The reply


def test_reply(wire: Wire) -> None:
    person = a_person(properties={"email": "john@example.com", "plan": "pro"})
    person["aliases"] = [unique("john"), unique("doe")]
    answered = wire.identified(person)
    assert set(answered) == {"id", "userId", "properties", "aliases", "updatedAt"}
    assert answered["userId"] == person["user_id"]
    assert answered["properties"] == person["properties"]
    assert answered["aliases"] == {"created": person["aliases"]}
    assert INSTANT.fullmatch(answered["updatedAt"])


def test_only_a_user_id(wire: Wire) -> None:
    answered = wire.identified(a_person())
    assert (answered["properties"], answered["aliases"]) == ({}, {"created": []})


def test_unknown_members_are_ignored(wire: Wire) -> None:
    assert "email" not in wire.identified(a_person(email="top@level.example"))["properties"]


def test_the_identity_keeps_its_id(wire: Wire) -> None:
    person = a_person()
    first, second = wire.identified(person), wire.identified(person)
    assert first["id"] == second["id"]
    assert datetime.fromisoformat(first["updatedAt"]) <= datetime.fromisoformat(second["updatedAt"])
    assert wire.identified(a_person())["id"] != first["id"]


def test_first_identifies_at_once_make_one_identity(wire: Wire) -> None:
    person = a_person()
    answers = at_once(20, lambda n: wire.identify(person | {"properties": {"n": n}}))
    assert len({data_of(answer, 200)["id"] for answer in answers}) == 1


# The name of the field: newer clients say `userId`


def test_user_id_in_camel_case(wire: Wire) -> None:
    person = a_person()
    first = wire.identified(person)
    user = person["user_id"]
    assert wire.identified({"userId": user})["id"] == first["id"]
    assert wire.identified({"userId": user, "user_id": user})["id"] == first["id"]


def test_two_different_user_ids_are_refused(wire: Wire) -> None:
    [path] = problems_of(wire.identify({"userId": "one", "user_id": "two"}))
    assert path in (["userId"], ["user_id"])


# Properties


def test_properties_are_replaced(wire: Wire) -> None:
    person = a_person(properties={"plan": "free", "trial": True})
    wire.identified(person)
    answered = wire.identified(person | {"properties": {"plan": "pro"}})
    assert answered["properties"] == {"plan": "pro"}


def test_omitted_properties_are_replaced_by_nothing(wire: Wire) -> None:
    person = a_person()
    wire.identified(person | {"properties": {"plan": "free"}})
    assert wire.identified(person)["properties"] == {}


def test_properties_are_any_json(wire: Wire) -> None:
    properties = {"deep": {"list": [1, 2.5, None, {"ü": "😀"}]}, "": False}
    assert wire.identified(a_person(properties=properties))["properties"] == properties


def test_a_project_may_merge(
    server: Server, make_tenant: Callable[..., Tenant], wire: Wire
) -> None:
    tenant = make_tenant()
    owner = server.make_key(tenant.account, None, key_format="native")
    person = a_person()

    def switch(mode: str) -> None:
        path = f"/v1/projects/{tenant.project}"
        content = b'{"identifyMode":"%s"}' % mode.encode()
        data_of(wire.using(owner.secret).send("PATCH", path, content), 200)

    def identified(**fields: Any) -> Any:
        return wire.using(tenant.key.secret).identified(person | fields)["properties"]

    switch("merge")
    assert identified(properties={"a": 1, "b": {"x": 1}}) == {"a": 1, "b": {"x": 1}}
    assert identified(properties={"b": {"y": 2}, "c": 3}) == {"a": 1, "b": {"y": 2}, "c": 3}
    assert identified() == {"a": 1, "b": {"y": 2}, "c": 3}
    switch("replace")
    assert identified(properties={"d": 4}) == {"d": 4}


# Aliases


def test_an_alias_of_another_user_fails_and_stays_there(wire: Wire) -> None:
    owner = a_person(aliases=[unique("jane")])
    taken, free = owner["aliases"][0], unique("free")
    wire.identified(owner)
    answered = wire.identified(a_person(aliases=[taken, free]))
    failed = [{"alias": taken, "reason": TAKEN}]
    assert answered["aliases"] == {"created": [free], "failed": failed}
    assert wire.canonical_user(taken) == owner["user_id"]


def test_an_alias_of_the_same_user_is_created_again(wire: Wire) -> None:
    person = a_person(aliases=[unique("jane")])
    wire.identified(person)
    assert wire.identified(person)["aliases"] == {"created": person["aliases"]}


def test_a_repeated_alias_counts_once(wire: Wire) -> None:
    first, second = unique("jane"), unique("jane")
    answered = wire.identified(a_person(aliases=[first, second, first, first]))
    assert answered["aliases"] == {"created": [first, second]}


def test_a_repeated_taken_alias_fails_once(wire: Wire) -> None:
    taken = unique("jane")
    wire.identified(a_person(aliases=[taken]))
    answered = wire.identified(a_person(aliases=[taken, taken]))
    assert answered["aliases"] == {"created": [], "failed": [{"alias": taken, "reason": TAKEN}]}


@pytest.mark.parametrize("later", [{}, {"aliases": []}, {"aliases": ["another"]}])
def test_aliases_left_out_are_kept(wire: Wire, later: dict[str, Any]) -> None:
    person = a_person(aliases=[unique("jane")])
    wire.identified(person)
    wire.identified({"user_id": person["user_id"], **later})
    assert wire.canonical_user(person["aliases"][0]) == person["user_id"]


def test_the_own_user_id_as_an_alias_succeeds(wire: Wire) -> None:
    person = a_person()
    aliases = [person["user_id"], unique("jane")]
    assert "failed" not in wire.identified(person | {"aliases": aliases})["aliases"]
    assert wire.canonical_user(person["user_id"]) == person["user_id"]


def test_ids_and_aliases_are_case_sensitive(wire: Wire) -> None:
    lower, upper = a_person(), a_person()
    upper["user_id"] = lower["user_id"].upper()
    alias = unique("jane")
    first = wire.identified(lower | {"aliases": [alias]})
    second = wire.identified(upper | {"aliases": [alias.upper()]})
    assert first["id"] != second["id"]
    assert second["aliases"] == {"created": [alias.upper()]}
    assert wire.canonical_user(alias.upper()) == upper["user_id"]


def test_aliases_are_not_trimmed(wire: Wire) -> None:
    alias = unique("jane")
    wire.identified(a_person(aliases=[alias]))
    assert wire.identified(a_person(aliases=[f" {alias}"]))["aliases"]["created"] == [f" {alias}"]


def test_a_conflict_spans_the_projects_of_an_account(
    server: Server, tenant: Tenant, wire: Wire
) -> None:
    key = server.make_key(tenant.account, server.make_project(tenant.account))
    taken = unique("jane")
    wire.identified(a_person(aliases=[taken]))
    answered = wire.using(key.secret).identified(a_person(aliases=[taken]))
    assert answered["aliases"]["failed"] == [{"alias": taken, "reason": TAKEN}]


def test_accounts_share_no_aliases(make_tenant: Callable[..., Tenant], wire: Wire) -> None:
    alias = unique("jane")
    wire.identified(a_person(aliases=[alias]))
    answered = wire.using(make_tenant().key.secret).identified(a_person(aliases=[alias]))
    assert answered["aliases"] == {"created": [alias]}


def test_one_of_many_claims_at_once_gets_the_alias(wire: Wire) -> None:
    alias = unique("wanted")
    people = [a_person(aliases=[alias]) for _ in range(20)]
    answers = at_once(20, lambda n: data_of(wire.identify(people[n]), 200)["aliases"])
    winners = [
        people[n]["user_id"] for n, answer in enumerate(answers) if answer["created"] == [alias]
    ]
    assert len(winners) == 1
    assert sum(a.get("failed") == [{"alias": alias, "reason": TAKEN}] for a in answers) == 19
    assert wire.canonical_user(alias) == winners[0]
