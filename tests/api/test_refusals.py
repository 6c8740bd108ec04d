"""The ledger of refused requests."""

import secrets
import time
from typing import Any

from tests.api.admin import NOBODY, Admin
from tests.dialects.native.wire import INSTANT, an_event, problems_of
from tests.server import Server
from tests.waiting import wait_for


def lines_of(admin: Admin, key_id: str, count: int) -> list[dict[str, Any]]:
    """The ledger's lines of a key, once they tell of so many refusals."""

    def find() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = admin.get(f"/v1/refusals?keyId={key_id}")["refusals"]
        return found if sum(one["count"] for one in found) >= count else []

    return wait_for(find, f"{count} refusals of {key_id}")


def test_refusals_are_counted_by_key_code_and_route(owner: Admin) -> None:
    made = owner.make(scopes=["events"], projectId=owner.project, limit="8/60s")
    wire = owner.wire.using(made["key"])
    for _ in range(3):
        wire.create({"title": "no channel"})
    for _ in range(2):
        wire.get("/v1/events")
    for _ in range(5):
        wire.create(an_event())
    last = [wire.create(an_event()) for _ in range(4)][-1]
    assert last.status_code == 429
    lines = lines_of(owner, made["id"], 9)
    found = {(one["code"], one["route"]): one for one in lines}
    counts = {slot: one["count"] for slot, one in found.items()}
    assert counts == {
        ("validation_error", "POST /v1/events"): 3,
        ("forbidden", "GET /v1/events"): 2,
        ("rate_limited", "POST /v1/events"): 4,
    }
    line = found["rate_limited", "POST /v1/events"]
    assert line["keyId"] == made["id"]
    assert line["projectId"] == owner.project
    assert line["requestId"] == last.json()["requestId"]
    assert line["message"] == last.json()["message"]
    assert line["address"] == "127.0.0.1"
    assert INSTANT.fullmatch(line["hour"])
    assert INSTANT.fullmatch(line["lastAt"])


def test_they_can_be_filtered_by_code(owner: Admin) -> None:
    made = owner.make(scopes=["events"], projectId=owner.project)
    wire = owner.wire.using(made["key"])
    wire.get("/v1/events")
    wire.create({})
    lines_of(owner, made["id"], 2)
    found = owner.get(f"/v1/refusals?keyId={made['id']}&code=forbidden")["refusals"]
    assert [one["code"] for one in found] == ["forbidden"]
    assert problems_of(owner.wire.get("/v1/refusals?code=nonsense")) == [["code"]]
    assert problems_of(owner.wire.get("/v1/refusals?keyId=nonsense")) == [["keyId"]]
    assert owner.get(f"/v1/refusals?keyId=key_{NOBODY}")["refusals"] == []


def test_nobody_sees_those_of_others(landlord: Admin, stranger: Admin) -> None:
    other = landlord.make_project()
    here = landlord.make(projectId=landlord.project, scopes=["events"])
    there = landlord.make(projectId=other["id"], scopes=["events"])
    for made in (here, there):
        landlord.using(made["key"]).wire.get("/v1/keys")
        lines_of(landlord, made["id"], 1)
    bound = landlord.using(landlord.make(projectId=landlord.project)["key"])
    seen = {one["keyId"] for one in bound.all_of("/v1/refusals", "refusals", 100)}
    assert here["id"] in seen
    assert there["id"] not in seen
    theirs = {one["keyId"] for one in stranger.all_of("/v1/refusals", "refusals", 100)}
    assert not theirs & {here["id"], there["id"]}


def test_pages_lose_and_repeat_nothing_where_moments_are_equal(roomy: Server, fresh: Admin) -> None:
    now = time.time_ns() // 1_000_000
    account = bytes.fromhex(fresh.account.removeprefix("account_"))
    rows = [
        (account, now // 3_600_000, secrets.token_bytes(16), code, route, 1, "", "", now - step)
        for step in (0, 1)
        for code in ("forbidden", "rate_limited")
        for route in ("GET /a", "GET /b")
        for _ in range(4)
    ]
    for row in rows:
        roomy.query(
            "INSERT INTO refusals (account_id, hour, key_id, code, route, count, detail,"
            " request_id, last_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            *row,
        )
    found = fresh.all_of("/v1/refusals", "refusals", 5)
    slots = [(one["keyId"], one["code"], one["route"], one["lastAt"]) for one in found]
    assert len(slots) == len(set(slots)) == len(rows)
    assert [one["lastAt"] for one in found] == sorted(
        (one["lastAt"] for one in found), reverse=True
    )


def test_a_cursor_of_another_list_is_refused(owner: Admin) -> None:
    owner.make()
    cursor = owner.get("/v1/keys?limit=1")["nextCursor"]
    assert problems_of(owner.wire.get(f"/v1/refusals?cursor={cursor}")) == [["cursor"]]
