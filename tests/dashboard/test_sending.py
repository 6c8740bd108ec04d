"""Templates, sending domains, suppressions and devices, by their forms."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest

from gatepost.dashboard.sections.templates import sample
from tests.dashboard.conftest import MakeVisitor
from tests.dashboard.seed_sending import device
from tests.dashboard.test_rules import Api
from tests.dashboard.visitor import Visitor
from tests.server import Server, Tenant, unique

HARM = "</iframe><script>alert(1)</script>"


@pytest.fixture
def tenant(make_tenant: Callable[..., Tenant]) -> Tenant:
    return make_tenant()


@pytest.fixture
def api(server: Server, tenant: Tenant) -> Api:
    return Api(server, tenant)


@pytest.fixture
def owner(tenant: Tenant, make_visitor: MakeVisitor) -> Visitor:
    return make_visitor(tenant.account)


@pytest.fixture
def viewer(tenant: Tenant, make_visitor: MakeVisitor) -> Visitor:
    return make_visitor(tenant.account, role="viewer")


def buttons(page: Any) -> set[str]:
    return {one.text.strip() for one in page.root.one("main").all("button")}


def test_a_template_is_written_published_and_seen(owner: Visitor, api: Api) -> None:
    page = owner.open("templates/new")
    texts = {"subject": "Hi {{ user.name }}", "html": "<p>{{ user.name }}</p>"}
    page = owner.submit(page, "Make the template", alias="Not good", **texts)
    assert "alias" in page.errors()
    page = owner.submit(page, "Make the template", alias="welcome", **texts)
    assert (page.title, "published" in page.text) == ("welcome", True)
    again = {"subject": "Hello {{ user.name }}", "html": f"<b>{{{{ user.name }}}}</b>{HARM}"}
    page = owner.submit(page, "Save this version", do="version", **again)
    assert "Version 2" in page.text
    assert [one["published"] for one in api.get("/v1/templates")["templates"]] == [True, False]
    page = owner.submit(page, "Save this version", html="{% call %}")
    assert "html" in page.errors()
    page = owner.open(page.address + "/preview")
    assert "Hello user.name" in page.text
    (frame,) = page.root.all("iframe")
    assert frame.attributes["sandbox"] == ""
    answer = owner.ask(frame.attributes["src"])
    assert answer.text == f"<b>user.name</b>{HARM}"
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("sandbox; default-src 'none'; style-src 'unsafe-inline'")
    assert "script" not in policy
    page = owner.submit(page, "Fill it in", variables='{"user": {}}', strict="yes")
    assert "variables.user.name" in page.text or "Variables user name" in page.text
    assert not page.root.all("iframe")
    page = owner.submit(page, "Fill it in", variables="[", strict="")
    assert (page.status, set(page.errors())) == (400, {"variables"})
    page = owner.submit(page, "Publish")
    assert [one["published"] for one in api.get("/v1/templates")["templates"]] == [False, True]
    page = owner.submit(page, "Delete")
    assert "Not published" in page.text


def test_variables_are_made_up_from_the_places_of_a_template() -> None:
    made = sample.variables(
        "{{ user.name }} {{ total | round(2) }}",
        "{% if user.vip %}{{ user.vip.since }}{% endif %}{% for one in cart.items %}"
        "{{ loop.index }} {{ one.title }}{% endfor %}{% for tag in tags %}{{ tag }}{% endfor %}",
        None,
    )
    assert made == {
        "user": {"name": "user.name", "vip": {"since": "user.vip.since"}},
        "total": "total",
        "cart": {"items": [{"title": "one.title"}]},
        "tags": ["tag"],
    }


def test_a_domain_is_added_looked_at_tracked_and_removed(owner: Visitor, api: Api) -> None:
    page = owner.open("domains/new")
    page = owner.submit(page, "Add the domain", name="not a domain")
    assert page.errors().keys() == {"name"}
    name = f"{unique('news')}.invalid"
    page = owner.submit(page, "Add the domain", name=name)
    assert page.title == name
    shown = {one.text for one in page.root.all("code")}
    (domain,) = api.get("/v1/domains")["domains"]
    assert {one["value"] for one in domain["records"]} <= shown
    assert {one["name"] for one in domain["records"]} <= shown
    page = owner.submit(page, "Save", trackClicks="yes")
    assert api.get("/v1/domains")["domains"][0]["trackClicks"] is True
    again = owner.submit(owner.open("domains/new"), "Add the domain", name=name)
    assert (again.status, "name" in again.errors()) == (409, True)
    assert "0 of 4" in owner.open("domains").text
    page = owner.submit(page, "Remove")
    assert "No sending domain yet" in page.text


def test_whoever_goes_back_and_changes_what_was_sent_can_send_it(owner: Visitor, api: Api) -> None:
    page = owner.open("suppressions")
    owner.submit(page, "Suppress", email="first@example.com")
    again = owner.submit(page, "Suppress", email="second@example.com")
    assert again.status == 409
    owner.submit(again, "Suppress")
    kept = {one["email"] for one in api.get("/v1/suppressions")["suppressions"]}
    assert kept == {"first@example.com", "second@example.com"}


def test_an_address_is_suppressed_found_and_let_go(owner: Visitor, api: Api) -> None:
    page = owner.open("suppressions")
    page = owner.submit(page, "Suppress", email="nobody")
    assert "email" in page.errors()
    ended = {"email": "jane@example.com", "reason": HARM, "until": "2001-01-01T00:00"}
    page = owner.submit(page, "Suppress", **ended)
    assert page.errors() == {"until": "Must lie ahead"}
    page = owner.submit(page, "Suppress", until="")
    assert HARM in page.text
    page = owner.submit(page, "Suppress", email="Jane@example.com")
    assert "already" in page.errors()["email"]
    assert "Not suppressed" in owner.open("suppressions?address=joe@example.com").text
    assert "Not suppressed" in owner.open("suppressions?type=bounce").text
    page = owner.open("suppressions?address=JANE@example.com")
    page = owner.submit(page, "Remove")
    assert api.get("/v1/suppressions")["suppressions"] == []


def test_devices_are_listed_tried_and_forgotten(owner: Visitor, viewer: Visitor, api: Api) -> None:
    page = owner.open("push")
    assert "No device is told of anything" in page.text
    made = api.send("/v1/push/devices", device(unique("place")))
    page = owner.open("push")
    (panel,) = [one for one in page.root.all("section") if "data-push" in one.attributes]
    assert panel.attributes["data-push"] == api.get("/v1/push/key")["publicKey"]
    assert not {"Test", "Remove"} & buttons(viewer.open("push"))
    assert "on its way" in owner.submit(page, "Test").answer.text
    (message,) = api.get("/v1/messages")["messages"]
    assert message["type"] == "message.push"
    owner.submit(page, "Remove")
    assert api.get("/v1/push/devices")["devices"] == []
    assert owner.open("push").text.count(made["host"]) == 0


def test_members_switch_devices_on_and_leave_the_key_alone(
    tenant: Tenant, make_visitor: MakeVisitor, api: Api
) -> None:
    member = make_visitor(tenant.account, "member")
    page = member.open("push")
    assert [one for one in page.root.all("section") if "data-push" in one.attributes]
    csrf = {"x-csrf-token": page.root.one("meta", name="csrf").attributes["content"]}
    made = member.ask("api/v1/push/devices", "POST", headers=csrf, json=device(unique("place")))
    assert made.status_code == 201
    assert [one["id"] for one in api.get("/v1/push/devices")["devices"]] == [
        made.json()["data"]["id"]
    ]
    own = {"privateKey": "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94"}
    assert member.ask("api/v1/push/key", "PUT", headers=csrf, json=own).status_code == 403
    admin = make_visitor(tenant.account, "admin")
    page = admin.open("push")
    csrf = {"x-csrf-token": page.root.one("meta", name="csrf").attributes["content"]}
    assert admin.ask("api/v1/push/key", "PUT", headers=csrf, json=own).status_code == 200


def test_the_dashboard_can_be_installed(make_visitor: MakeVisitor, owner: Visitor) -> None:
    """Whoever is signed in or not: browsers ask for these without cookies."""
    nobody = make_visitor(owner.account, role=None)
    answer = nobody.ask("/dashboard/manifest.webmanifest")
    manifest = answer.json()
    assert answer.headers["content-type"] == "application/manifest+json"
    assert (manifest["scope"], manifest["display"]) == ("/dashboard/", "standalone")
    for icon in manifest["icons"]:
        drawn = nobody.ask(icon["src"])
        assert (drawn.status_code, drawn.headers["content-type"]) == (200, icon["type"])
    worker = nobody.ask("/dashboard/worker.js")
    assert worker.headers["content-type"].startswith("text/javascript")
    assert worker.headers["cache-control"] == "no-cache"


def test_who_only_reads_is_offered_nothing(viewer: Visitor, api: Api) -> None:
    template = api.send("/v1/templates", {"alias": "a", "subject": HARM, "text": HARM})
    domain = api.send("/v1/domains", {"name": f"{unique('news')}.example.com"})
    api.send("/v1/suppressions", {"email": "jane@example.com"})
    offered = {"Save", "Publish", "Delete", "Remove", "Suppress", "Look at the records now"}
    for where in ("templates", f"templates/{template['id']}", "domains", "suppressions"):
        page = viewer.open(where)
        assert not buttons(page) & offered
    assert not buttons(viewer.open(f"domains/{domain['id']}")) & offered
    token = viewer.open("feed").root.one("meta", name="csrf").attributes["content"]
    form = urlencode({"csrf": token})
    headers = {"content-type": "application/x-www-form-urlencoded"}
    for where in (
        f"templates/{template['id']}/publish",
        f"domains/{domain['id']}/delete",
        "suppressions/jane@example.com/delete",
        "templates/new",
        "domains/new",
        "suppressions",
    ):
        assert viewer.ask(where, "POST", content=form, headers=headers).status_code == 403
