"""Keys bound to a customer: they read what that one used, and nothing else at all."""

import re
from typing import Any

import pytest

from gatepost.dialects import DIALECTS
from gatepost.gate.scopes import NAMES, Scope
from gatepost.web.contract import Endpoint
from tests.api.admin import NOBODY, Admin, without_id
from tests.dialects.native.wire import an_event, data_of, problems_of, refusal_of
from tests.server import unique

PATH = "/v1/customers"
PARAM = re.compile(r"\{[^}]+\}")
ENDPOINTS = [one for dialect in DIALECTS for one in dialect.endpoints]


def make(admin: Admin) -> str:
    body = {"identifier": unique("customer")}
    return str(data_of(admin.send("POST", PATH, body), 201)["id"])


def token(admin: Admin, customer_id: str, **body: Any) -> Admin:
    return admin.using(admin.make(customerId=customer_id, **body)["key"])


def done_for(admin: Admin, customer_id: str) -> None:
    headers = {"X-Customer-ID": customer_id, "X-Project-ID": admin.project}
    assert admin.wire.post("/v1/events", an_event(), headers).status_code == 201


def test_a_token_is_a_key_that_may_read_usage(owner: Admin) -> None:
    customer_id = make(owner)
    made = owner.make(customerId=customer_id)
    assert (made["customerId"], made["scopes"]) == (customer_id, ["usage:read"])
    shown = owner.get(f"/v1/keys/{made['id']}")
    assert shown == {name: value for name, value in made.items() if name != "key"}
    assert owner.make()["customerId"] is None


def test_a_token_reads_what_its_customer_used_and_has_left(owner: Admin) -> None:
    mine, other = make(owner), make(owner)
    quota = {"metric": "requests", "limit": 10, "period": "month"}
    for customer_id, times in ((mine, 2), (other, 3)):
        data_of(owner.send("PUT", f"{PATH}/{customer_id}/quota", quota), 200)
        for _ in range(times):
            done_for(owner, customer_id)
    reader = token(owner, mine)
    assert reader.get(f"{PATH}/{mine}/usage")["totals"]["requests"] == 2
    assert reader.get(f"{PATH}/{mine}/quota")["remaining"] == 8
    assert len(reader.get(f"{PATH}/{mine}/usage/requests")["requests"]) == 2
    assert reader.get(f"{PATH}/{mine}/adjustments")["adjustments"] == []
    assert reader.get("/v1/usage")["totals"]["requests"] == 2
    (row,) = reader.get("/v1/usage/customers")["rows"]
    assert row["group"]["customer"] == mine


@pytest.mark.parametrize("rest", ["usage", "usage/requests", "quota", "adjustments"])
def test_another_customer_is_not_there(owner: Admin, rest: str) -> None:
    mine, other = make(owner), make(owner)
    reader = token(owner, mine)
    quota = {"metric": "requests", "limit": 10, "period": "month"}
    data_of(owner.send("PUT", f"{PATH}/{other}/quota", quota), 200)
    theirs = reader.wire.get(f"{PATH}/{other}/{rest}")
    nobodys = reader.wire.get(f"{PATH}/customer_{NOBODY}/{rest}")
    assert theirs.status_code == 404
    assert without_id(theirs) == without_id(nobodys)


def test_nor_is_it_in_a_filter(owner: Admin) -> None:
    mine, other = make(owner), make(owner)
    reader = token(owner, mine)
    for path in ("/v1/usage", "/v1/usage/customers"):
        assert reader.wire.get(f"{path}?customer={mine}").status_code == 200
        assert reader.wire.get(f"{path}?customer={other}").status_code == 404
        assert reader.wire.get(f"{path}?customer={mine}&customer={other}").status_code == 404


@pytest.mark.parametrize(
    "endpoint", ENDPOINTS, ids=[f"{one.method} {one.path}" for one in ENDPOINTS]
)
def test_every_endpoint_but_those_of_usage_refuses_it(owner: Admin, endpoint: Endpoint) -> None:
    mine, other = make(owner), make(owner)
    done_for(owner, other)
    reader = token(owner, mine, format="emmi")
    path = PARAM.sub(other, endpoint.path)
    secret = reader.wire.key
    headers = {"Authorization": f"Bearer {secret}", "X-API-Key": str(secret)}
    body = b"{}" if endpoint.request is not None else None
    answer = reader.wire.client.request(
        endpoint.method, f"{reader.wire.address}{path}", content=body, headers=headers
    )
    if endpoint.scope is not Scope.USAGE_READ:
        assert answer.status_code == 403, answer.text
        return
    assert answer.status_code in {200, 404}, answer.text
    assert other not in answer.text
    assert other.removeprefix("customer_") not in answer.text.replace("-", "")


@pytest.mark.parametrize("scope", [one for one in NAMES if one != "usage:read"])
def test_no_token_gets_another_scope(owner: Admin, scope: str) -> None:
    customer_id = make(owner)
    for scopes in ([scope], ["usage:read", scope]):
        answer = owner.refused(customerId=customer_id, scopes=scopes)
        assert problems_of(answer) == [["scopes"]]
    made = owner.make(customerId=customer_id)
    answer = owner.send("PATCH", f"/v1/keys/{made['id']}", {"scopes": ["usage:read", scope]})
    assert problems_of(answer) == [["scopes"]]
    assert owner.get(f"/v1/keys/{made['id']}")["scopes"] == ["usage:read"]


def test_a_tokens_customer_is_the_accounts_own(owner: Admin, fresh: Admin) -> None:
    for customer_id in (make(fresh), f"customer_{NOBODY}", "nonsense"):
        assert problems_of(owner.refused(customerId=customer_id)) == [["customerId"]]
    made = owner.make(customerId=make(owner))
    body = {"customerId": make(owner)}
    assert problems_of(owner.send("PATCH", f"/v1/keys/{made['id']}", body)) == [["customerId"]]


def test_tokens_are_made_by_keys_that_may_read_usage(owner: Admin) -> None:
    customer_id = make(owner)
    weak = owner.using(owner.make(scopes=["keys:write"])["key"])
    refusal_of(weak.refused(customerId=customer_id), 403, "forbidden", "Forbidden")
    strong = owner.using(owner.make(scopes=["keys:write", "usage:read"])["key"])
    assert strong.make(customerId=customer_id)["customerId"] == customer_id


def test_tokens_are_rotated_imported_and_switched_like_other_keys(owner: Admin) -> None:
    customer_id = make(owner)
    path = f"{PATH}/{customer_id}/usage"
    made = owner.make(customerId=customer_id)
    new = owner.rotate(made["id"])
    assert new["customerId"] == customer_id
    assert owner.using(made["key"]).wire.get(path).status_code == 401
    assert owner.using(new["key"]).wire.get(path).status_code == 200
    secret = unique("imported") + unique("-and-long-enough")
    taken = owner.make(customerId=customer_id, secret=secret)
    assert taken["customerId"] == customer_id
    assert owner.using(secret).wire.get(path).status_code == 200
    owner.change(taken["id"], enabled=False)
    assert owner.using(secret).wire.get(path).status_code == 401


def test_it_ends_with_its_customer_at_once(owner: Admin) -> None:
    customer_id = make(owner)
    made = owner.make(customerId=customer_id)
    reader = owner.using(made["key"])
    path = f"{PATH}/{customer_id}/usage"
    assert reader.wire.get(path).status_code == 200
    data_of(owner.send("PATCH", f"{PATH}/{customer_id}", {"status": "inactive"}), 200)
    assert reader.wire.get(path).status_code == 200
    data_of(owner.send("DELETE", f"{PATH}/{customer_id}"), 200)
    assert reader.wire.get(path).status_code == 401
    assert owner.wire.get(f"/v1/keys/{made['id']}").status_code == 404
    entries = owner.get("/v1/audit?action=key.delete")["entries"]
    assert made["id"] in {one["object"] for one in entries}
