"""Templates and their versions, by Emailit's own client and plainly."""

import re
from typing import Any

import pytest
from emailit import InvalidRequestException  # type: ignore[import-untyped] # it comes without types

from tests.delivery.receiver import Receiver
from tests.dialects.emailit.hooks import hook
from tests.dialects.emailit.wire import NOWHERE, Account, refused

MEMBERS = [
    "object",
    "id",
    "name",
    "alias",
    "from",
    "subject",
    "reply_to",
    "editor",
    "version",
    "published_at",
    "created_at",
    "updated_at",
]
MISSING = {"statusCode": 404, "error": "Not Found", "message": "Template not found"}
WHOLE = {
    "name": "Welcome",
    "alias": "welcome_1",
    "from": "Acme <hello@acme.example>",
    "subject": "Welcome, {{name}}",
    "reply_to": "help@acme.example",
    "html": "<h1>Hi {{name}}</h1>",
    "text": "Hi {{name}}",
    "editor": "tiptap",
}


def make(account: Account, **more: Any) -> dict[str, Any]:
    return dict(account.post("/templates", {"name": "Welcome", "html": "Hi"} | more, 201))


def test_a_whole_life(sdk: Any) -> None:
    """The steps of the client's own page, one after the other."""
    made = sdk.templates.create(
        {"name": "Welcome", "subject": "Welcome!", "html": "<h1>Hi {{name}}</h1>"}
    )
    assert (made.object, made.alias, made.editor) == ("template", "welcome", "html")
    assert made.published_at
    (listed,) = sdk.templates.list()
    assert (listed.id, listed.object, listed.html) == (made.id, "template", None)
    found = sdk.templates.get(made.id).data
    assert (found["id"], found["html"]) == (made.id, "<h1>Hi {{name}}</h1>")
    assert [one["id"] for one in found["versions"]] == [made.id]
    changed = sdk.templates.update(made.id, {"subject": "New Subject"})
    assert (changed.subject, changed.published_at) == ("New Subject", made.published_at)
    assert sdk.templates.publish(made.id).published_at == made.published_at
    gone = sdk.templates.delete(made.id)
    assert (gone.id, gone.name, gone.deleted) == (made.id, "Welcome", True)
    with pytest.raises(InvalidRequestException, match="Template not found"):
        sdk.templates.get(made.id)


def test_what_is_shown(account: Account) -> None:
    made = make(account, **WHOLE)
    assert list(made) == [*MEMBERS, "html", "text"]
    assert re.fullmatch(r"tem_[0-9a-f]{32}", made["id"])
    assert {name: made[name] for name in WHOLE} == WHOLE | {"editor": "html"}
    (listed,) = account.get("/templates")["data"]
    assert listed == {name: made[name] for name in MEMBERS}
    found = account.get(f"/templates/{made['id']}")
    assert list(found) == ["data"]
    versions = found["data"].pop("versions")
    assert found["data"] == made
    members = ("object", "id", "name", "version", "published_at", "created_at", "updated_at")
    assert versions == [{name: made[name] for name in members}]
    empty = account.post(f"/templates/{made['id']}", {"from": None, "subject": None, "text": None})
    assert [empty[name] for name in ("from", "subject", "text")] == [None] * 3


def test_a_further_version_is_a_draft_until_it_is_published(account: Account) -> None:
    first = make(account, alias="welcome", html="one")
    second = make(account, alias="welcome", html="two")
    assert (second["version"], second["published_at"]) == (2, None)
    assert [one["id"] for one in account.get("/templates")["data"]] == [first["id"]]
    changed = account.post(f"/templates/{second['id']}", {"html": "three"})
    assert (changed["html"], changed["published_at"]) == ("three", None)
    out = account.post(f"/templates/{second['id']}/publish")
    assert out["published_at"]
    assert [one["id"] for one in account.get("/templates")["data"]] == [second["id"]]
    versions = account.get(f"/templates/{first['id']}")["data"]["versions"]
    assert [(one["id"], one["published_at"] is None) for one in versions] == [
        (second["id"], False),
        (first["id"], True),
    ]


def test_an_alias_is_made_of_the_name(account: Account) -> None:
    aliases = [
        make(account, name=name)["alias"] for name in ("Été & Co.", "ete co", "日本", "ETE-CO")
    ]
    assert aliases == ["ete-co", "ete-co-2", "template", "ete-co-3"]
    long = make(account, name="x" * 191)["alias"]
    assert long == "x" * 100
    assert make(account, name="x" * 191)["alias"] == "x" * 94 + "-2"
    assert make(account, alias="ete-co")["version"] == 2


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"name": ""}, "name"),
        ({"alias": "Not One"}, "alias"),
        ({"alias": ""}, "alias"),
        ({"subject": "x" * 192}, "subject"),
        ({"from": "x" * 192}, "from"),
        ({"html": None}, "html"),
        ({"html": "{{ name"}, "html"),
        ({"html": "{% include 'x' %}"}, "html"),
        ({"editor": "word"}, "editor"),
    ],
)
def test_what_is_no_template(account: Account, more: dict[str, Any], field: str) -> None:
    answer = account.send("POST", "/templates", {"name": "Welcome", "html": "Hi"} | more)
    assert refused(answer, 400)["details"][0].startswith(f"{field}")
    assert account.get("/templates")["total_records"] == 0


def test_an_alias_stays(account: Account) -> None:
    made = make(account, alias="welcome")
    place = f"/templates/{made['id']}"
    assert account.post(place, {"alias": "welcome", "name": "Hello"})["name"] == "Hello"
    assert refused(account.send("POST", place, {"alias": "other"}), 400)["details"]


def test_pages(account: Account) -> None:
    names = [f"Letter {number}" for number in range(5)]
    for name in names:
        make(account, name=name)
    first = account.get("/templates?per_page=2")
    assert list(first) == [
        "data",
        "next_page_url",
        "previous_page_url",
        "total_records",
        "per_page",
        "current_page",
        "total_pages",
    ]
    told = [first[one] for one in ("total_records", "per_page", "current_page", "total_pages")]
    assert told == [5, 2, 1, 3]
    pages = [first]
    while pages[-1]["next_page_url"]:
        pages.append(account.get(pages[-1]["next_page_url"]))
    assert [one["name"] for page in pages for one in page["data"]] == names[::-1]
    assert (len(pages), pages[2]["current_page"]) == (3, 3)
    assert account.get("/templates?limit=5&page=2")["data"] == []
    for wrong in ("per_page=0", "per_page=101", "limit=x", "page=0"):
        refused(account.send("GET", f"/templates?{wrong}"), 400)


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("filter[name]=TTER", ["Letter b", "Letter a"]),
        ("filter%5Balias%5D=letter-a", ["Letter a"]),
        ("filter[alias]=letter", []),
        ("filter[editor]=html", ["Bill", "Letter b", "Letter a"]),
        ("filter[editor]=tiptap", []),
        ("sort=name&order=asc", ["Bill", "Letter a", "Letter b"]),
        ("sort=name&order=desc", ["Letter b", "Letter a", "Bill"]),
        ("order=name", ["Bill", "Letter a", "Letter b"]),
        ("order=name&direction=desc", ["Letter b", "Letter a", "Bill"]),
        ("name.starts_with=letter&alias.not_exact=letter-b", ["Letter a"]),
        ("search=bill", ["Bill"]),
    ],
)
def test_filters(account: Account, query: str, names: list[str]) -> None:
    for name in ("Letter a", "Letter b", "Bill"):
        make(account, name=name)
    assert [one["name"] for one in account.get(f"/templates?{query}")["data"]] == names


def test_others_have_none_of_it(account: Account, stranger: Account) -> None:
    made = make(account)
    for which in (made["id"], f"tem_{NOWHERE}", "7", "welcome"):
        for method, tail in (("GET", ""), ("POST", ""), ("DELETE", ""), ("POST", "/publish")):
            body = {"name": "x"} if (method, tail) == ("POST", "") else None
            answer = stranger.send(method, f"/templates/{which}{tail}", body)
            assert refused(answer, 404) == MISSING
    assert stranger.get("/templates")["data"] == []
    for scope in ("sending", "events"):
        key = account.make_key(scope=scope).secret
        assert refused(account.send("GET", "/templates", key=key), 403)["error"] == "Forbidden"


def test_a_change_is_an_event(reached: Account, receiver: Receiver) -> None:
    it = hook(reached, receiver)
    made = make(reached, alias="welcome")
    reached.post(f"/templates/{made['id']}", {"name": "Hello"})
    reached.send("DELETE", f"/templates/{made['id']}")
    told = it.await_types("template.created", "template.updated", "template.deleted")
    assert [one["data"]["object"]["name"] for one in told] == ["Welcome", "Hello", "Hello"]
    assert {one["data"]["object"]["id"] for one in told} == {made["id"]}
    assert all("html" not in one["data"]["object"] for one in told)
    names = [one["type"] for one in reached.get("/events")["data"]]
    assert names == ["template.deleted", "template.updated", "template.created"]
