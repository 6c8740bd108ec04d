"""Keys as people make, change, rotate and end them; why requests were refused; plan; projects."""

import re
import subprocess
import sys
from collections.abc import Callable
from urllib.parse import parse_qsl

import pytest

from gatepost.dashboard.sections.keys import scopes
from gatepost.gate.scopes import NAMES, PRESETS
from tests import plain
from tests.dashboard.conftest import MakeVisitor
from tests.dashboard.visitor import Page, Visitor
from tests.server import Server, Tenant
from tests.waiting import wait_for

SECRET = re.compile(r"gp_live_[A-Za-z0-9]{32}")
LANGUAGES = ("curl", "Python", "JavaScript", "PHP", "Ruby", "Go", "Java")
HARM = "</td><script>alert(1)</script>\u202eevil"


@pytest.fixture
def tenant(make_tenant: Callable[..., Tenant]) -> Tenant:
    return make_tenant()


@pytest.fixture
def owner(tenant: Tenant, make_visitor: MakeVisitor) -> Visitor:
    return make_visitor(tenant.account)


def make(owner: Visitor, name: str, **fields: str | list[str]) -> tuple[str, str]:
    """Make a key by the form: the address of its page, and its secret."""
    page = owner.submit(owner.open("keys/new"), "Make the key", name=name, **fields)
    assert page.status == 200, page.text
    return page.link("← The key"), secret_of(page)


def secret_of(page: Page) -> str:
    found = SECRET.search(page.root.one("main").all("pre")[0].text)
    assert found, page.text
    return found[0]


def ping(server: Server, secret: str) -> int:
    headers = {"authorization": f"Bearer {secret}"}
    return plain.get(f"{server.address}/v1/ping", headers=headers).status_code


def test_a_secret_is_shown_once(server: Server, owner: Visitor) -> None:
    page = owner.submit(owner.open("keys/new"), "Make the key", name="web shop")
    secret = secret_of(page)
    assert page.answer.history == []
    assert page.answer.headers["cache-control"] == "no-store"
    assert ping(server, secret) == 200
    for where in ("keys", page.link("← The key"), "refusals", "feed"):
        assert secret not in owner.open(where).answer.text
    form = dict(parse_qsl(page.answer.request.content.decode()))
    origin = {"origin": str(owner.client.base_url).rstrip("/")}
    again = owner.client.post(page.address, data=form, headers=origin)
    assert again.status_code == 409
    assert "the secret was shown that once" in again.text
    assert secret not in again.text


def test_the_snippets_send_the_first_event(server: Server, owner: Visitor) -> None:
    page = owner.submit(owner.open("keys/new"), "Make the key", name="first")
    secret = secret_of(page)
    languages = [one.text for one in page.root.all("summary") if one.text in LANGUAGES]
    assert languages == list(LANGUAGES)
    codes = [one.text for one in page.root.one("main").all("pre")][1:]
    assert all(secret in one and f"{server.address}/v1/events" in one for one in codes)
    script = codes[languages.index("Python")]
    for command in ([sys.executable, "-c", script], ["sh", "-c", codes[0]]):
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        assert '"success":true' in done.stdout
    assert owner.open("feed").text.count("My first event") == 2


def test_every_scope_is_explained() -> None:
    assert set(scopes.WORDS) == set(PRESETS["full"])
    assert set(scopes.PRESET_WORDS) == set(scopes.PRESET_TITLES) == set(PRESETS)
    assert {*scopes.WORDS, *scopes.PRESET_WORDS} == set(NAMES)
    shown = [name for group in scopes.groups() for name, _ in group.scopes]
    assert sorted(shown) == sorted(scopes.WORDS)


def test_single_scopes_limits_networks_and_an_end(server: Server, owner: Visitor) -> None:
    chosen: dict[str, str | list[str]] = {
        "preset": "own",
        "scopes": ["events:read", "people:read"],
        "limit": "5/1m,1000/1d",
        "allowFrom": "127.0.0.0/8\n2001:db8::/32",
        "expiresAt": "2999-01-01T00:00",
        "format": "native",
        "projectId": "",
    }
    where, secret = make(owner, HARM, **chosen)
    page = owner.open(where)
    for words in ("5 a minute, 1,000 a day", "2001:db8::/32", "1 Jan 2999", "people:read", "All"):
        assert words in page.text
    assert "</td><script>" in page.title
    assert "\u202e" not in page.answer.text
    assert ping(server, secret) == 200
    form = owner.open(page.link("Change"))
    assert form.root.one("input", name="limit").attributes["value"] == "5/1m,1000/1d"
    changed = owner.submit(form, "Save", name="renamed", limit="", preset="events")
    assert (changed.title, "those of the plan" in changed.text) == ("renamed", True)
    assert "what a product's server needs" in changed.text


def test_what_is_wrong_stands_beside_its_field(owner: Visitor) -> None:
    wrong: dict[str, str | list[str]] = {"limit": "lots", "name": "kept", "preset": "read"}
    page = owner.submit(owner.open("keys/new"), "Make the key", **wrong)
    assert (page.status, set(page.errors())) == (400, {"limit"})
    assert page.root.one("input", name="name").attributes["value"] == "kept"
    assert "checked" in page.root.one("input", id="f-preset-read").attributes
    page = owner.submit(owner.open("keys/new"), "Make the key", name="k", preset="own")
    assert "At least one scope" in page.text
    where, _ = make(owner, "there")
    form = owner.open(owner.open(where).link("Change"))
    page = owner.submit(form, "Save", allowFrom="nowhere")
    assert set(page.errors()) == {"allowFrom"}


def test_rotate_switch_and_end(server: Server, owner: Visitor) -> None:
    where, first = make(owner, "spinning")
    page = owner.submit(owner.open(where), "Rotate", graceSeconds="3600")
    second = secret_of(page)
    assert "works on beside this one" in page.text
    assert [ping(server, one) for one in (first, second)] == [200, 200]
    third = secret_of(owner.submit(owner.open(where), "Rotate", graceSeconds="0"))
    assert [ping(server, one) for one in (first, second, third)] == [401, 401, 200]
    off = owner.submit(owner.open(where), "Disable")
    assert "Disabled" in off.text
    assert ping(server, third) == 401
    on = owner.submit(owner.open(where), "Enable")
    assert "Active" in on.text
    assert ping(server, third) == 200
    gone = owner.submit(owner.open(where), "End")
    assert "spinning" not in gone.text
    assert ping(server, third) == 401
    owner.open(where, 404)


def test_keys_are_found(owner: Visitor) -> None:
    make(owner, "web shop")
    make(owner, "nightly import", preset="read", projectId="")
    page = owner.submit(owner.open("keys"), "Search", search="NIGHTLY")
    assert "nightly import" in page.text
    assert "web shop" not in page.text
    none = owner.submit(page, "Search", search="nothing like it")
    assert "No key like that" in none.text
    csv = owner.ask(next(one for one in page.links if "format=csv" in one))
    assert csv.headers["content-type"].startswith("text/csv")
    assert "nightly import" in csv.text
    assert "web shop" not in csv.text


def test_why_a_request_was_refused(server: Server, owner: Visitor) -> None:
    where, secret = make(owner, "curious")
    headers = {"authorization": f"Bearer {secret}"}
    plain.get(f"{server.address}/v1/events", headers=headers)
    plain.post(f"{server.address}/v1/events", headers=headers, json={})
    wait_for(lambda: owner.open("refusals").text.count("What helps") == 2, "the ledger")
    page = owner.open("refusals")
    for words in ("lacks the scope events:read", "GET /v1/events", "curious", "Use a key with the"):
        assert words in page.text
    narrowed = owner.submit(page, "Show", code="forbidden")
    assert "events:read" in narrowed.text
    assert "Required" not in narrowed.text
    assert "What helps" in owner.open(where).text
    assert "2" in owner.open("keys").text
    assert owner.open("refusals?code=nonsense", 400).status == 400


def test_the_plan_is_told(server: Server, make_visitor: MakeVisitor) -> None:
    owner = make_visitor(server.make_account(plan="notifykit-free"))
    page = owner.open("limits")
    for words in ("0 of 100 e-mails, webhooks", "5 a minute", "notifykit-free", "100 left"):
        assert words in page.text, words
    assert "The plan sets none" in make_visitor().open("limits").text


def test_projects_are_made_renamed_and_ended(owner: Visitor) -> None:
    page = owner.submit(owner.open("projects/new"), "Make the project", name=HARM, counting="yes")
    assert "</td><script>" in page.text
    where = [one for one in page.links if "/projects/project_" in one][-1]
    assert "checked" in owner.open(where).root.one("input", name="counting").attributes
    twice = owner.submit(owner.open("projects/new"), "Make the project", name=HARM)
    assert (twice.status, "exists already" in twice.text) == (409, True)
    assert owner.submit(owner.open(where), "Save", name="second").link("second")
    wrong = owner.submit(owner.open(where), "End the project", confirm="first")
    assert set(wrong.errors()) == {"confirm"}
    assert "second" not in owner.submit(owner.open(where), "End the project", confirm="second").text


def test_viewers_see_keys_and_make_none(
    tenant: Tenant, owner: Visitor, make_visitor: MakeVisitor
) -> None:
    where, _ = make(owner, "web shop")
    viewer = make_visitor(tenant.account, "viewer")
    for page in (viewer.open("keys"), viewer.open(where), viewer.open("projects")):
        words = {one.text.strip() for one in page.root.all("button") + page.root.all("a")}
        assert not words & {"New key", "Change", "Rotate", "Disable", "End", "New project"}
    csrf = viewer.open("keys").root.one("meta", name="csrf").attributes["content"]
    for target in ("keys", where + "/rotate", where + "/end", where + "/switch", "projects"):
        answer = viewer.ask(target, "POST", data={"csrf": csrf, "name": "mine", "preset": "read"})
        assert answer.status_code == 403, target
