"""Shares of reports over HTTP."""

from typing import Any

import pytest

from tests.api.admin import NOBODY, Admin
from tests.dialects.native.wire import data_of, problems_of, refusal_of
from tests.server import unique

PATH = "/v1/reports/shares"


@pytest.fixture
def aggregator(owner: Admin) -> str:
    made = owner.send("POST", "/v1/aggregators", {"name": unique("aggregator")})
    return str(data_of(made, 201)["id"])


def make(owner: Admin, **body: Any) -> dict[str, Any]:
    return data_of(owner.send("POST", PATH, {"name": unique("share"), **body}), 201)


def test_a_whole_life(owner: Admin, aggregator: str) -> None:
    ends = "2999-01-01T00:00:00.000Z"
    made = make(owner, aggregatorId=aggregator, view="period=7d", expiresAt=ends)
    secret, path = made.pop("secret"), made.pop("path")
    assert path == f"/dashboard/shared/{secret}"
    assert len(secret) >= 43
    assert (made["aggregatorId"], made["projectId"]) == (aggregator, None)
    assert owner.get(f"{PATH}/{made['id']}") == made
    assert made in owner.all_of(PATH, "shares", 2)
    gone = data_of(owner.send("DELETE", f"{PATH}/{made['id']}"), 200)
    assert gone == {"id": made["id"], "name": made["name"], "deleted": True}
    for method in ("GET", "DELETE"):
        answer = owner.send(method, f"{PATH}/{made['id']}")
        refusal_of(answer, 404, "not_found", "Not found")
    lines = owner.get("/v1/audit?limit=10")["entries"]
    mine = [one for one in lines if one["object"] == made["id"]]
    assert [one["action"] for one in mine] == ["share.revoke", "share.create"]
    assert secret not in str(lines)


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({}, ["aggregatorId"]),
        ({"name": " "}, ["name"]),
        ({"view": "x" * 4001}, ["view"]),
        ({"expiresAt": "2020-01-01T00:00:00Z"}, ["expiresAt"]),
        ({"expiresAt": "soon"}, ["expiresAt"]),
    ],
)
def test_what_is_no_share(owner: Admin, body: dict[str, Any], path: list[str]) -> None:
    assert problems_of(owner.send("POST", PATH, {"name": "x", **body})) == [path]


def test_those_of_others_are_not_there(owner: Admin, fresh: Admin, aggregator: str) -> None:
    made = make(owner, aggregatorId=aggregator)
    for one in (made["id"], f"share_{NOBODY}"):
        for method in ("GET", "DELETE"):
            answer = fresh.send(method, f"{PATH}/{one}")
            refusal_of(answer, 404, "not_found", "Not found")
    for body in ({"aggregatorId": aggregator}, {"projectId": owner.project}):
        answer = fresh.send("POST", PATH, {"name": "x", **body})
        refusal_of(answer, 404, "not_found", "Not found")
    assert fresh.get(PATH)["shares"] == []
