"""Lists as CSV."""

import csv
import io

import pytest

from tests.api.admin import Admin
from tests.dialects.native.wire import data_of, problems_of

LISTS = ("keys", "projects", "customers", "refusals", "gate/keys", "relays")


def rows_of(admin: Admin, path: str) -> list[dict[str, str]]:
    answer = admin.wire.get(path)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"].startswith("attachment")
    return list(csv.DictReader(io.StringIO(answer.text)))


@pytest.mark.parametrize("name", LISTS)
def test_a_list_is_given_as_rows_with_the_same_members(owner: Admin, name: str) -> None:
    owner.send("POST", "/v1/customers", {"identifier": "=1+1", "metadata": {"region": "eu"}})
    owner.send("POST", "/v1/gate/keys", {"name": "one", "scopes": ["a", "b"]})
    listed = owner.get(f"/v1/{name}?limit=100")
    items = next(iter(listed.values()))
    rows = rows_of(owner, f"/v1/{name}?format=csv&limit=1")
    assert len(rows) >= len(items)
    for row, item in zip(rows, items, strict=False):
        assert list(row) == list(item)


def test_texts_lists_and_objects_are_cells(fresh: Admin) -> None:
    metadata = {"region": "eu"}
    made = data_of(
        fresh.send("POST", "/v1/customers", {"identifier": "=1+1", "metadata": metadata}), 201
    )
    (row,) = rows_of(fresh, "/v1/customers?format=csv")
    assert (row["id"], row["identifier"]) == (made["id"], "'=1+1")
    assert row["metadata"] == '{"region":"eu"}'
    place = f"/v1/customers/{made['id']}"
    data_of(fresh.send("POST", f"{place}/adjustments", {"units": -2, "reason": "ours"}), 201)
    (row,) = rows_of(fresh, f"{place}/adjustments?format=csv")
    assert (row["units"], row["reason"]) == ("-2", "ours")
    assert rows_of(fresh, f"{place}/usage/requests?format=csv") == []
    key = fresh.make(scopes=["events", "events:read"], limit="2/1s")
    row = rows_of(fresh, f"/v1/keys?format=csv&search={key['name']}")[0]
    assert (row["scopes"], row["limits"]) == ("events events:read", '[{"limit":2,"seconds":1}]')
    assert (row["enabled"], row["expiresAt"]) == ("true", "")


def test_what_a_list_is_written_in_must_be_known(owner: Admin) -> None:
    assert problems_of(owner.wire.get("/v1/customers?format=xls")) == [["format"]]


def test_keys_are_found_by_name_customer_and_project(fresh: Admin) -> None:
    customer = data_of(fresh.send("POST", "/v1/customers", {"identifier": "acme"}), 201)["id"]
    bound = fresh.make(name="of Acme", customerId=customer)
    inside = fresh.make(name="inside", projectId=fresh.project)
    found = {
        query: [one["id"] for one in fresh.get(f"/v1/keys?{query}")["keys"]]
        for query in (f"customer={customer}", f"project={fresh.project}", "search=ACME")
    }
    assert found == {
        f"customer={customer}": [bound["id"]],
        f"project={fresh.project}": [inside["id"]],
        "search=ACME": [bound["id"]],
    }
    assert fresh.wire.get("/v1/keys?customer=nobody").status_code == 404
