"""`/v1/account`: plan, limits and quotas as they stand."""

import httpx2

from tests.api.admin import Admin, make_admin
from tests.dialects.native.wire import an_event, data_of
from tests.server import Server


def test_plan_and_limits_are_told(server: Server, http: httpx2.Client) -> None:
    admin = make_admin(server, http, plan="notifykit-free")
    told = admin.get("/v1/account")
    assert told["id"] == admin.account
    assert told["limited"] is True
    assert told["plan"]["name"] == "notifykit-free"
    assert told["plan"]["keyLimits"] == [{"limit": 5, "seconds": 60}]
    (quota,) = told["quotas"]
    assert (quota["name"], quota["limit"], quota["used"]) == ("notifications", 100, 0)
    assert quota["counts"] == ["email", "webhook"]


def test_a_key_that_may_do_little_is_told_too(owner: Admin) -> None:
    one = owner.using(owner.make(scopes=["events"])["key"])
    assert one.get("/v1/account")["quotas"] == []


def test_a_customers_key_is_told_nothing(owner: Admin) -> None:
    made = data_of(owner.send("POST", "/v1/customers", {"identifier": "told-nothing"}), 201)
    bound = owner.using(owner.make(customerId=made["id"])["key"])
    assert bound.wire.get("/v1/account").status_code == 403


def test_usage_of_one_key_names_it(fresh: Admin) -> None:
    one, other = fresh.make(name="the shop", scopes=["events"]), fresh.make(scopes=["events"])
    for made, times in ((one, 2), (other, 1)):
        for _ in range(times):
            data_of(fresh.using(made["key"]).send("POST", "/v1/events", an_event()), 201)
    told = fresh.get(f"/v1/usage?key={one['id']}&groupBy=key")
    assert told["totals"]["requests"] == 2
    assert told["names"] == {one["id"]: "the shop"}
    assert fresh.wire.get("/v1/usage?key=nonsense").status_code == 404
