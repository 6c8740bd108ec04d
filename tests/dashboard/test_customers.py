"""Customers, what they use and may use; the account's usage; gate keys, checks and relays."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urljoin

import pytest

from tests import plain
from tests.dashboard.conftest import MakeVisitor
from tests.dashboard.visitor import Visitor
from tests.server import Server, Tenant
from tests.waiting import wait_for

HARM = "</td><script>alert(1)</script>\u202eevil"


@pytest.fixture
def tenant(make_tenant: Callable[..., Tenant]) -> Tenant:
    return make_tenant()


@pytest.fixture
def owner(tenant: Tenant, make_visitor: MakeVisitor) -> Visitor:
    return make_visitor(tenant.account)


Use = Callable[[str, int], None]


@pytest.fixture
def use(server: Server, tenant: Tenant) -> Use:
    """Does requests for a customer."""

    def use_(customer: str, times: int) -> None:
        headers = {"authorization": f"Bearer {tenant.key.secret}", "x-customer-id": customer}
        event = {"channelName": "orders", "title": "one"}
        for _ in range(times):
            answer = plain.post(f"{server.address}/v1/events", headers=headers, json=event)
            assert answer.status_code == 201, answer.text

    return use_


def register(owner: Visitor, identifier: str, **fields: str) -> tuple[str, str]:
    """Register one by the form: the address of its page, and its id."""
    form = owner.open("customers/new")
    page = owner.submit(form, "Register the customer", identifier=identifier, **fields)
    assert page.status == 200, page.text
    return page.address, page.address.rsplit("/", 1)[1].partition("?")[0]


def test_a_customer_from_its_registration_to_its_end(owner: Visitor, use: Use) -> None:
    assert "No customers yet" in owner.open("customers").text
    where, customer = register(owner, "acme", name=HARM, metadata="region = eu\nplan = a = b")
    page = owner.open(where)
    assert "regioneuplana = b" in page.text
    assert "\u202e" not in page.answer.text
    use(customer, 3)
    page = owner.open(where)
    for words in ("Requests 3", "POST /v1/events", "By key", "201", "Latest requests"):
        assert words in page.text, words
    assert "POST /v1/events" in owner.open(page.link("Requests")).text
    listed = owner.open("customers")
    row = listed.root.one("main").one("tbody").one("tr")
    assert [cell.text.strip() for cell in row.all("td")][1:4] == ["3", "3", "0"]
    assert "3 requests on 1 of" in row.one("svg").attributes["aria-label"]
    form = owner.open(page.link("Change"))
    changed = owner.submit(form, "Save", name="Acme", status="inactive")
    assert (changed.title, "Inactive" in changed.text) == ("Acme", True)
    assert "Acme" in owner.submit(listed, "Search", search="ACM", status="inactive").text
    assert "No customer like that" in owner.submit(listed, "Search", status="active").text
    taken = owner.submit(
        owner.open("customers/new"), "Register the customer", identifier="acme", name="kept"
    )
    assert (taken.status, "exists already" in taken.text) == (409, True)
    assert taken.root.one("input", name="name").attributes["value"] == "kept"
    gone = owner.submit(owner.open(page.link("Change")), "End")
    assert "can still be reported" in gone.answer.text
    owner.open(where, 404)


def test_a_quota_is_set_seen_and_removed(server: Server, owner: Visitor, use: Use) -> None:
    where, customer = register(owner, "acme")
    use(customer, 2)
    place = f"customers/{customer}/quota"
    wrong = owner.submit(owner.open(place), "Set the quota", limit="10", timezone="Nowhere/At")
    assert set(wrong.errors()) == {"timezone"}
    assert wrong.root.one("input", name="limit").attributes["value"] == "10"
    quota = {"limit": "4", "mode": "hard", "thresholds": "50, 100"}
    page = owner.submit(owner.open(place), "Set the quota", **quota)
    for words in ("2 of 4 requests a month", "Hard", "2 left", "Reached: 50 %"):
        assert words in page.text, words
    assert "2 of 4 requests" in owner.open(where).text
    bad = owner.submit(page, "Note the correction", requests="1")
    assert set(bad.errors()) == {"reason"}
    page = owner.submit(owner.open(place), "Note the correction", requests="-1", reason=HARM)
    assert "1 of 4 requests a month" in page.text
    assert "</td><script>" in page.text
    csv = owner.ask(next(one for one in page.links if "format=csv" in one))
    assert csv.text.startswith("id,at,requests,units,reason,actor,createdAt")
    assert "None: it may use" in owner.submit(page, "Remove the quota").text


def test_a_token_reads_its_customers_usage_alone(server: Server, owner: Visitor) -> None:
    where, customer = register(owner, "acme")
    form = owner.open(owner.open(f"{where}/keys").link("New"))
    made = owner.submit(form, "Make the key", name="for acme")
    secret = made.root.one("main").all("pre")[0].text
    headers = {"authorization": f"Bearer {secret}"}
    read = plain.get(f"{server.address}/v1/customers/{customer}/usage", headers=headers)
    assert (read.status_code, f"{customer}/usage" in made.text) == (200, True)
    assert plain.get(f"{server.address}/v1/events", headers=headers).status_code == 403
    assert "for acme" in owner.open(f"customers/{customer}/keys").text


def test_usage_is_told_by_period_customer_endpoint_and_key(owner: Visitor, use: Use) -> None:
    assert "Nothing was used" in owner.open("usage").text
    _, customer = register(owner, "acme", name="Acme")
    use(customer, 4)
    page = owner.open("usage")
    for words in ("Requests 4 none before", "Top customers", "Acme", "POST /v1/events", "By key"):
        assert words in page.text, words
    assert "By hour" in owner.open("usage?span=today").text
    assert "By month" in owner.submit(page, "Show", granularity="month").text
    assert "Nothing was used" in owner.open("usage?span=last-month").text
    files = [one for one in page.links if "format=csv" in one]
    texts = [owner.ask(one).text for one in files]
    heads = [one.splitlines()[0] for one in texts]
    assert heads == [
        "start,end,requests,units,errors",
        "start,end,customer,identifier,name,requests,units,errors",
        "start,end,endpoint,requests,units,errors",
        "start,end,key,requests,units,errors",
    ]
    assert "acme,Acme,4,4,0" in texts[1]
    wrong = owner.open("usage?from=2020-01-01&until=2026-01-01&granularity=hour", 422)
    assert "Hours are told for at most" in wrong.text
    assert wrong.root.one("input", name="from").attributes["value"] == "2020-01-01"


def check(server: Server, tenant: Tenant, **wanted: Any) -> Any:
    headers = {"authorization": f"Bearer {tenant.key.secret}"}
    answer = plain.post(f"{server.address}/v1/gate/check", headers=headers, json=wanted)
    return answer.json()["data"]


def test_a_gate_key_from_making_to_ending(server: Server, tenant: Tenant, owner: Visitor) -> None:
    assert "No gate keys yet" in owner.open("gate").text
    form = owner.open("gate/keys/new")
    wrong = owner.submit(form, "Make the gate key", name="a", scopes="Not one", metadata="{")
    assert set(wrong.errors()) == {"scopes", "metadata"}
    terms = {"scopes": "a:*\nb", "limit": "10/60s", "quota": "5", "metadata": '{"plan": "pro"}'}
    made = owner.submit(form, "Make the gate key", name=HARM, prefix="acme", **terms)
    secret = made.root.one("main").all("pre")[0].text
    where = made.link("← The gate key")
    assert secret.startswith("acme_")
    assert secret not in owner.open(where).answer.text
    passed = owner.submit(owner.open("gate/check"), "Check", key=secret, scope="a:x", cost="2")
    for words in ("It would pass", "0 of 10", "0 of 5"):
        assert words in passed.text, words
    assert secret not in passed.answer.text
    refused = owner.submit(owner.open("gate/check"), "Check", key=secret, scope="c")
    assert "It would not pass: This key lacks the scope" in refused.text
    assert "It would not pass" in owner.submit(owner.open("gate/check"), "Check", key="no").text
    assert check(server, tenant, key=secret, scope="b", route="GET /x", cost=2)["allowed"]
    wait_for(lambda: "Cost 2" in owner.open(where).text, "the usage of the gate key")
    assert "gate:GET /x" in owner.open(where).text
    form = owner.open(owner.open(where).link("Change"))
    changed = owner.submit(form, "Save", name="Ada", scopes="b")
    assert (changed.title, "5 a month" in changed.text) == ("Ada", True)
    assert check(server, tenant, key=secret, scope="a:x")["reason"] == "scope_missing"
    new = owner.submit(changed, "Rotate", graceSeconds="0").root.one("main").all("pre")[0].text
    assert check(server, tenant, key=secret)["reason"] == "key_not_found"
    owner.submit(owner.open(where), "Disable")
    assert check(server, tenant, key=new)["reason"] == "key_disabled"
    owner.submit(owner.open(where), "End")
    assert check(server, tenant, key=new)["reason"] == "key_not_found"


def test_relays_are_declared_changed_and_ended(owner: Visitor) -> None:
    form = owner.open("gate/relays/new")
    wrong = owner.submit(form, "Declare the relay", path="x", upstream="https://example.com")
    assert set(wrong.errors()) == {"path"}
    terms = {"path": "/estimates/{id}", "upstream": "https://example.com/v1/{id}"}
    page = owner.submit(form, "Declare the relay", **terms)
    where = page.link("POST /estimates/{id}")
    saved = owner.submit(owner.open(where), "Save", units="array", customer="required")
    assert "array" in saved.text
    assert "required" in saved.text
    shown = owner.submit(saved, "Show the secret").root.one("main").one("pre").text
    assert len(shown) == 64
    assert shown not in owner.open("gate/relays").answer.text
    assert "No relays yet" in owner.submit(owner.open(where), "End").text


def test_who_has_ended_is_named_and_no_link(
    server: Server, tenant: Tenant, owner: Visitor, use: Use
) -> None:
    (_, gone), (_, stays) = register(owner, "gone", name="Gone"), register(owner, "stays")
    use(gone, 1)
    use(stays, 1)
    other = server.make_key(tenant.account, tenant.project)
    event = {"channelName": "orders", "title": "one"}
    headers = {"authorization": f"Bearer {other.secret}", "x-customer-id": stays}
    assert plain.post(f"{server.address}/v1/events", headers=headers, json=event).status_code == 201
    for target in (f"customers/{gone}/end", f"keys/{other.id}/end"):
        page = owner.open(target.removesuffix("/end").replace(gone, f"{gone}/change"))
        owner.submit(page, "End")
    pages = [owner.open("usage"), owner.open(f"customers/{stays}")]
    assert pages[0].text.count(" ended ") == 2
    assert pages[1].text.count(" ended ") == 1
    for page in pages:
        for link in page.root.one("main").all("a"):
            assert owner.client.get(urljoin(page.address, link.attributes["href"])).is_success
    told = owner.ask("api/v1/usage?groupBy=key").json()["data"]
    assert [*told["ended"]] == [other.id]
    assert other.id in told["names"]


def test_roles_see_what_they_may(tenant: Tenant, owner: Visitor, make_visitor: MakeVisitor) -> None:
    where, customer = register(owner, "acme")
    viewer, member = (make_visitor(tenant.account, role) for role in ("viewer", "member"))
    assert "Set the quota" not in viewer.open(f"{where}/quota").text
    page = member.open(f"{where}/quota")
    assert "Set the quota" in page.text
    assert "Correct what it used" not in page.text
    csrf = viewer.open("customers").root.one("meta", name="csrf").attributes["content"]
    targets = ("customers", f"customers/{customer}/end", "gate/keys", "gate/relays/secret")
    for target in (*targets, "gate/check", "gate/relays"):
        form = {"csrf": csrf, "name": "x", "identifier": "x", "key": "x", "path": "/x"}
        assert viewer.ask(target, "POST", data=form).status_code == 403, target
