"""What superusers do for the whole installation: accounts, and who may sign in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests import plain
from tests.dashboard.conftest import MakeVisitor
from tests.dashboard.entering import Entrance, Person, path_of, sign_in
from tests.dashboard.visitor import COOKIE, Node, Page, Visitor
from tests.server import Server, Tenant, unique

MakeTenant = Callable[..., Tenant]


@pytest.fixture
def superuser(make_visitor: MakeVisitor) -> Visitor:
    """One who is a viewer where they come from: being a superuser is enough."""
    return make_visitor(role="viewer", superuser=True)


def row(page: Page, words: str) -> Node:
    return next(one for one in page.root.all("tr") if words in one.text)


def find(visitor: Visitor, where: str, words: str) -> Page:
    """The page of a list that has some words; tests share the installation."""
    page = visitor.open(where)
    while words not in page.text:
        page = visitor.open(page.root.one("a", rel="next").attributes["href"])
    return page


def operators(visitor: Visitor) -> Iterator[dict[str, Any]]:
    """All operators of the installation, page by page."""
    cursor: str | None = ""
    while cursor is not None:
        where = f"api/v1/operations/operators?limit=100{cursor and f'&cursor={cursor}'}"
        data = visitor.ask(where).json()["data"]
        yield from data["operators"]
        cursor = data["nextCursor"]


def csrf(visitor: Visitor) -> dict[str, str]:
    meta = visitor.open("operations").root.one("meta", name="csrf")
    return {"x-csrf-token": meta.attributes["content"]}


def send(visitor: Visitor, page: Page, id_: str, button: str) -> Page:
    """Press a button of the form that is about something."""
    (form,) = [
        one
        for one in page.root.all("form")
        if one.all("input", name="id", value=id_)
        and any(each.text.strip() == button for each in one.all("button", type="submit"))
    ]
    values = {
        one.attributes["name"]: one.attributes["value"] for one in form.all("input", type="hidden")
    }
    return Page(visitor.client.post(form.attributes["action"], data=values))


def status(server: Server, secret: str) -> int:
    event = {"channelName": "a", "title": "b"}
    headers = {"authorization": f"Bearer {secret}"}
    return plain.post(f"{server.address}/v1/events", headers=headers, json=event).status_code


def test_an_account_is_made_and_entered(superuser: Visitor) -> None:
    name = unique("Acme")
    page = superuser.open("operations/accounts")
    refused = superuser.submit(page, "Make the account", name="x" * 101)
    assert (refused.status, set(refused.errors())) == (400, {"name"})
    made = superuser.submit(page, "Make the account", name=name)
    assert made.title == "Members"
    assert f"{name} is made" in made.answer.text
    assert "Invite somebody" in made.text
    again = superuser.submit(superuser.open("operations/accounts"), "Make the account", name=name)
    assert (again.status, "exists already" in again.text) == (409, True)


def test_an_account_goes_off_and_on_and_on_another_plan(
    server: Server, make_tenant: MakeTenant, superuser: Visitor
) -> None:
    tenant, where = make_tenant(plan="default"), "operations/accounts"
    plan = f"plan-{unique('p')}"
    server.cli("plan", "set", plan, "--key-limit", "7/60s")
    page = find(superuser, where, tenant.account)
    page = send(superuser, page, tenant.account, "Switch off")
    assert "its keys are refused" in page.answer.text
    assert status(server, tenant.key.secret) == 403
    page = send(superuser, find(superuser, where, tenant.account), tenant.account, "Switch on")
    assert status(server, tenant.key.secret) == 201
    page = find(superuser, where, tenant.account)
    moved = superuser.submit(page, "Change the plan", id=tenant.account, plan=plan)
    assert "The plan is changed" in moved.answer.text
    assert plan in row(find(superuser, where, tenant.account), tenant.account).text


def test_nobody_switches_off_where_they_stand(superuser: Visitor) -> None:
    account = superuser.account
    own = row(find(superuser, "operations/accounts", account), account)
    assert "Switch off" not in own.text
    where = f"api/v1/operations/accounts/{account}"
    refused = superuser.ask(where, "PATCH", headers=csrf(superuser), json={"status": "inactive"})
    assert refused.status_code == 409
    me = next(one["id"] for one in operators(superuser) if account in str(one["accounts"]))
    where = f"api/v1/operations/operators/{me}"
    refused = superuser.ask(where, "PATCH", headers=csrf(superuser), json={"enabled": False})
    assert refused.status_code == 409


def test_an_operator_is_shut_out_everywhere_and_let_in_again(
    make_tenant: MakeTenant, entrance: Entrance, superuser: Visitor
) -> None:
    person = entrance.enroll(make_tenant().account)
    page = find(superuser, "operations/operators", person.email)
    id_ = _id(row(page, person.email))
    page = send(superuser, page, id_, "Shut out")
    assert "all their sessions have ended" in page.answer.text
    assert person.browser.ask("feed").status_code == 303
    assert sign_in(entrance.browser(), person.email).status == 401
    page = find(superuser, "operations/operators", person.email)
    send(superuser, page, id_, "Let in again")
    assert person.browser.ask("feed").status_code == 303, "a session that ended stays ended"
    fresh = entrance.browser(person.account)
    assert sign_in(fresh, person.email).status == 200
    log = fresh.open("audit").text
    assert "Operator disable" in log
    assert "Operator enable" in log


def _id(found: Node) -> str:
    return found.one("input", name="id").attributes["value"]


def test_others_see_and_change_nothing(
    make_tenant: MakeTenant, entrance: Entrance, make_visitor: MakeVisitor
) -> None:
    tenant = make_tenant()
    owner, other = make_visitor(tenant.account), entrance.enroll(tenant.account, "member")
    for where in ("operations/accounts", "operations/operators"):
        owner.open(where, 404)
        assert owner.ask(f"api/v1/{where}").status_code == 403
    assert "Accounts" not in owner.open("operations").root.one("main").text
    listed = owner.ask("api/v1/operators").json()["data"]["operators"]
    id_ = next(one["id"] for one in listed if one["email"] == other.email)
    asked = (
        ("POST", "api/v1/operations/accounts", {"name": unique("mine")}),
        ("PATCH", f"api/v1/operations/accounts/{tenant.account}", {"plan": "default"}),
        ("PATCH", f"api/v1/operations/operators/{id_}", {"enabled": False}),
        ("PATCH", f"api/v1/operators/{id_}", {"enabled": False}),
    )
    for method, where, body in asked:
        answer = owner.ask(where, method, headers=csrf(owner), json=body)
        assert answer.status_code == 403, where
    assert other.browser.open("feed").status == 200


def test_a_superuser_shuts_a_member_out_by_the_api(
    make_tenant: MakeTenant, entrance: Entrance, make_visitor: MakeVisitor
) -> None:
    account = make_tenant().account
    person, admin = entrance.enroll(account, "member"), make_visitor(account, superuser=True)
    id_ = _member(admin, person)
    where = f"api/v1/operators/{id_}"
    changed = admin.ask(where, "PATCH", headers=csrf(admin), json={"enabled": False})
    assert (changed.status_code, changed.json()["data"]["enabled"]) == (200, False)
    assert person.browser.ask("feed").status_code == 303
    assert "may not sign in" in admin.open("members").text


def _member(visitor: Visitor, person: Person) -> str:
    listed = visitor.ask("api/v1/operators").json()["data"]["operators"]
    return next(str(one["id"]) for one in listed if one["email"] == person.email)


def test_the_command_line_does_it_too(
    server: Server, make_tenant: MakeTenant, entrance: Entrance
) -> None:
    person = entrance.enroll(make_tenant().account)
    assert server.cli("operator", "disable", person.email)["enabled"] is False
    assert sign_in(entrance.browser(), person.email).status == 401
    link = server.cli("operator", "link", person.email)["link"]
    entrance.browser().open(path_of(link), 404)
    assert server.cli("operator", "enable", person.email)["enabled"] is True
    fresh = entrance.browser(person.account)
    assert sign_in(fresh, person.email).status == 200
    assert fresh.client.cookies.get(COOKIE)
