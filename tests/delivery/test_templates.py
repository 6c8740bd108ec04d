"""Templates over HTTP and from the command line: versions, publishing, previews, bounds."""

import json
import time
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.api.admin import NOBODY, Admin, make_admin, without_id
from tests.dialects.native.wire import data_of, problems_of, refusal_of
from tests.server import Server, unique

PATH = "/v1/templates"


@pytest.fixture
def owner(server: Server, http: httpx2.Client) -> Admin:
    return make_admin(server, http)


@pytest.fixture
def other(server: Server, http: httpx2.Client) -> Admin:
    return make_admin(server, http)


def make(owner: Admin, **body: Any) -> dict[str, Any]:
    new = {"alias": unique("welcome"), "subject": "Hello {{ name }}", "html": "<p>{{ name }}</p>"}
    return data_of(owner.send("POST", PATH, new | body), 201)


def try_it(
    owner: Admin, template: dict[str, Any], variables: Any, *, strict: bool = False
) -> httpx2.Response:
    body = {"variables": variables, "strict": strict}
    return owner.send("POST", f"{PATH}/{template['id']}/preview", body)


def fill(owner: Admin, source: str, variables: Any) -> str:
    """What becomes of a plain text."""
    made = make(owner, html=None, text=source)
    text = data_of(try_it(owner, made, variables), 200)["text"]
    assert isinstance(text, str)
    return text


def test_a_whole_life(owner: Admin) -> None:
    alias = unique("welcome")
    first = make(owner, alias=alias, replyTo="help@example.com", **{"from": "Ada <a@example.com>"})
    assert (first["version"], first["published"], first["name"]) == (1, True, alias)
    assert (first["from"], first["replyTo"]) == ("Ada <a@example.com>", "help@example.com")
    second = make(owner, alias=alias, text="Hello", name="new words")
    assert (second["version"], second["published"], second["publishedAt"]) == (2, False, None)
    assert [one["version"] for one in second["versions"]] == [2, 1]

    published = data_of(owner.send("POST", f"{PATH}/{second['id']}/publish"), 200)
    assert published["published"] is True
    versions = owner.get(f"{PATH}/{first['id']}")["versions"]
    assert [(one["version"], one["published"]) for one in versions] == [(2, True), (1, False)]
    again = data_of(owner.send("POST", f"{PATH}/{second['id']}/publish"), 200)
    assert again["publishedAt"] == published["publishedAt"]

    changes = {"subject": "Other", "html": None}
    changed = data_of(owner.send("PATCH", f"{PATH}/{second['id']}", changes), 200)
    assert (changed["subject"], changed["html"], changed["text"]) == ("Other", None, "Hello")
    assert changed["published"] is True

    gone = data_of(owner.send("DELETE", f"{PATH}/{second['id']}"), 200)
    assert gone == {"id": second["id"], "name": "new words", "deleted": True}
    refusal_of(owner.wire.get(f"{PATH}/{second['id']}"), 404, "not_found", "Not found")
    assert owner.get(f"{PATH}/{first['id']}")["published"] is False
    assert make(owner, alias=alias)["version"] == 3


def test_a_version_is_published_at_once_where_that_is_asked_for(owner: Admin) -> None:
    alias = unique("welcome")
    draft = make(owner, alias=alias, publish=False)
    assert draft["published"] is False
    assert make(owner, alias=alias, publish=True)["published"] is True
    third = make(owner, alias=alias, publish=True)
    assert [one["published"] for one in third["versions"]] == [True, False, False]


def test_lists_leave_texts_out_and_can_be_narrowed(owner: Admin) -> None:
    alias = unique("welcome")
    made = [make(owner, alias=alias), make(owner, alias=alias), make(owner)]
    shown = owner.all_of(PATH, "templates", 2)
    assert [one["id"] for one in shown] == [one["id"] for one in made]
    assert not {"html", "text", "versions"} & set(shown[0])
    of_alias = owner.all_of(f"{PATH}?alias={alias}", "templates", 2)
    assert [one["id"] for one in of_alias] == [one["id"] for one in made[:2]]
    published = owner.all_of(f"{PATH}?published=true", "templates", 2)
    assert [one["id"] for one in published] == [made[0]["id"], made[2]["id"]]


def test_a_preview_escapes_html_alone(owner: Admin) -> None:
    made = make(owner, text="{{ name }}")
    filled = data_of(try_it(owner, made, {"name": '<b a="1">&\r\nBcc: x'}), 200)
    assert filled == {
        "subject": 'Hello <b a="1">& Bcc: x',
        "html": "<p>&lt;b a=&#34;1&#34;&gt;&amp;\r\nBcc: x</p>",
        "text": '<b a="1">&\r\nBcc: x',
    }


def test_missing_variables_are_empty_or_named_with_their_paths(owner: Admin) -> None:
    source = (
        "{{ user.address.city }}|{{ items[0].x }}|{{ items[7] }}|"
        "{% for one in nobody %}{% endfor %}"
        "{% for one in items %}{{ one.y }}{% endfor %}"
        "{% if maybe %}!{% endif %}{{ maybe | default('d') }}{{ maybe is defined }}"
    )
    made = make(owner, subject="s", html=None, text=source)
    variables = {"items": [{"y": 1}, {}]}
    assert data_of(try_it(owner, made, variables), 200)["text"] == "|||1dfalse"
    assert problems_of(try_it(owner, made, variables, strict=True)) == [
        ["variables", "user", "address", "city"],
        ["variables", "items", 0, "x"],
        ["variables", "items", 7],
        ["variables", "nobody"],
        ["variables", "items", 1, "y"],
    ]
    whole = {
        "user": {"address": {"city": "Bonn"}},
        "items": [{"x": 1, "y": 2}] * 8,
        "nobody": [],
    }
    assert try_it(owner, made, whole, strict=True).status_code == 200


@pytest.mark.parametrize(
    ("source", "variables", "text"),
    [
        ("{{ a }}{{ b }}{{ c }}{{ d }}", {"a": 1, "b": 2.5, "c": None, "d": True}, "12.5true"),
        ("{{ a }} {{ b }}", {"a": {"k": [1]}, "b": [None]}, '{"k":[1]} [null]'),
        ("{% for k, v in a | items %}{{ k }}={{ v }};{% endfor %}", {"a": {"x": 1}}, "x=1;"),
        (
            "{% for x in a %}{{ loop.index }}/{{ loop.length }}{{ loop.last }}{% endfor %}",
            {"a": [7, 8]},
            "1/2false2/2true",
        ),
        ("{% for x in a %}!{% else %}none{% endfor %}", {"a": []}, "none"),
        ("{% for x in a if x > 1 %}{{ x }}{% endfor %}", {"a": [1, 2, 3]}, "23"),
        ("{{ a | upper | truncate(2) }}", {"a": "abc"}, "AB…"),
        ("{{ 'yes' if a == 'x' and not b else 'no' }}", {"a": "x"}, "yes"),
        ("{{ a | round(2) }}|{{ a | round }}", {"a": 2.345}, "2.35|2"),
        (
            "{{ a | join(', ') }} {{ a | length }} {{ a | first }}{{ a | last }}",
            {"a": [1, 2]},
            "1, 2 2 12",
        ),
        ("{{ a | urlencode }}", {"a": "ü &/"}, "%C3%BC%20%26%2F"),
        ("{{ a.items }}{{ a.keys }}", {"a": {"items": 3}}, "3"),
        ("{{ a['b c'] }}{{ a[k] }}", {"a": {"b c": 1, "z": 2}, "k": "z"}, "12"),
        ("{# not shown #}{% raw %}{{ a }}{% endraw %}", {}, "{{ a }}"),
        ("{{ '\\ud800' }}{{ '\\x00' }}ok", {}, "?ok"),
    ],
)
def test_what_a_template_may_say(owner: Admin, source: str, variables: Any, text: str) -> None:
    assert fill(owner, source, variables) == text


@pytest.mark.parametrize(
    "source",
    [
        "{{ ''.__class__ }}",
        "{{ a.__class__.__mro__ }}{{ a['__class__'] }}",
        "{{ a.upper }}{{ a.format_map }}{{ l.append }}{{ d.keys }}",
        "{{ self }}{{ self._TemplateReference__context }}{{ loop }}{{ caller }}{{ varargs }}",
        "{{ context }}{{ environment }}{{ range }}{{ lipsum }}{{ namespace }}{{ dict }}",
        "{% for x in l %}{{ loop.__class__ }}{{ loop._iterable }}{% endfor %}",
        "{{ (a | upper).__class__ }}{{ missing.__init__.__globals__ }}",
    ],
)
def test_internals_cannot_be_reached(owner: Admin, source: str) -> None:
    assert fill(owner, source, {"a": "x", "l": [1], "d": {}}) == ""


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("{{ a }", "read"),
        ("{% if a %}", "ended"),
        ("\n{% nothing %}", "Line 2"),
        ("{% set x = 1 %}", "may be used"),
        ("{% include 'x' %}", "may be used"),
        ("{% macro m() %}{% endmacro %}", "may be used"),
        ("{% autoescape false %}{% endautoescape %}", "may be used"),
        ("{{ a() }}", "may be used"),
        ("{{ a ~ a }}", "may be used"),
        ("{{ a * 1000000 }}", "may be used"),
        ("{{ a ** a }}", "may be used"),
        ("{{ a[1:] }}", "may be used"),
        ("{{ a | safe }}", "filter"),
        ("{{ a | attr('x') }}", "filter"),
        ("{{ a | map('upper') }}", "filter"),
        ("{{ a is callable }}", "test"),
        ("{% for x in a recursive %}{% endfor %}", "recursive"),
        ("{% if a %}" * 100 + "{% endif %}" * 100, "nested"),
        ("{% for x in a %}" * 25 + "{% endfor %}" * 25, "nested"),
        ("{{ " + "(" * 500 + "1" + ")" * 500 + " }}", "nested"),
        ("{{ a }}" * 3000, "parts"),
    ],
)
def test_what_a_template_may_not_say(owner: Admin, source: str, words: str) -> None:
    new = {"alias": unique("t"), "subject": "s", "html": source}
    answer = owner.send("POST", PATH, new)
    assert problems_of(answer) == [["html"]]
    assert words in answer.json()["details"][0]["message"]
    made = make(owner)
    for field in ("subject", "html", "text"):
        answer = owner.send("PATCH", f"{PATH}/{made['id']}", {field: source[:500]})
        if len(source) <= 500:
            assert problems_of(answer) == [[field]]


@pytest.mark.parametrize(
    ("source", "variables", "words"),
    [
        (
            "{% for a in l %}{% for b in l %}{% for c in l %}" + "{% endfor %}" * 3,
            {"l": list(range(1000))},
            "10000 turns",
        ),
        ("{% for a in l %}{{ big }}{% endfor %}", {"l": [0] * 999, "big": "x" * 9999}, "longer"),
        ("{{ l | join(big) }}", {"l": [0] * 9999, "big": "x" * 9999}, "kind"),
        (
            "{% for a in l %}" + "{% if big in big %}{% endif %}" * 250 + "{% endfor %}",
            {"l": [0] * 9000, "big": "x" * 9999},
            "too long",
        ),
        ("{{ a > 'x' }}", {"a": 1}, "kind"),
        ("{{ a | round(2) }}", {"a": "x"}, "kind"),
    ],
)
def test_what_takes_too_much_is_refused(
    owner: Admin, source: str, variables: Any, words: str
) -> None:
    made = make(owner, html=None, text=source)
    began = time.monotonic()
    answer = try_it(owner, made, variables)
    assert problems_of(answer) == [["text"]]
    assert words in answer.json()["details"][0]["message"]
    assert time.monotonic() - began < 20


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"alias": "Welcome"}, ["alias"]),
        ({"alias": "a b"}, ["alias"]),
        ({"alias": "a\n"}, ["alias"]),
        ({"alias": ""}, ["alias"]),
        ({"subject": "a\nb"}, ["subject"]),
        ({"subject": "x" * 501}, ["subject"]),
        ({"html": None}, ["html"]),
        ({"html": "x" * 200_001}, ["html"]),
        ({"name": "x" * 192}, ["name"]),
        ({"from": "a\r\nb"}, ["from"]),
        ({"replyTo": "a\nb"}, ["replyTo"]),
        ({"text": "\0"}, ["text"]),
        ({"sender": "a"}, ["sender"]),
    ],
)
def test_what_is_no_template(owner: Admin, body: dict[str, Any], path: list[str]) -> None:
    new = {"alias": unique("t"), "name": "n", "subject": "s", "html": "x"} | body
    assert problems_of(owner.send("POST", PATH, new)) == [path]


def test_those_of_others_are_not_there(owner: Admin, other: Admin) -> None:
    foreign, nowhere = make(other)["id"], f"template_{NOBODY}"
    for method, rest in (
        ("GET", ""),
        ("PATCH", ""),
        ("POST", "/publish"),
        ("POST", "/preview"),
        ("DELETE", ""),
    ):
        body: Any = {} if method == "PATCH" or rest == "/preview" else None
        theirs = owner.send(method, f"{PATH}/{foreign}{rest}", body)
        nobodys = owner.send(method, f"{PATH}/{nowhere}{rest}", body)
        assert theirs.status_code == 404
        assert without_id(theirs) == without_id(nobodys)


def test_changes_are_audited_without_the_texts(owner: Admin) -> None:
    made = make(owner, html="<p>between us</p>")
    data_of(owner.send("POST", f"{PATH}/{make(owner, alias=made['alias'])['id']}/publish"), 200)
    data_of(owner.send("DELETE", f"{PATH}/{made['id']}"), 200)
    log = owner.get("/v1/audit")["entries"]
    actions = [one["action"] for one in log if one["action"].startswith("template.")]
    assert actions == ["template.delete", "template.publish", "template.create", "template.create"]
    assert "between us" not in json.dumps(log)


def test_from_the_command_line(server: Server, owner: Admin, tmp_path: Path) -> None:
    alias, mine = unique("welcome"), ("--account", owner.account)
    html = tmp_path / "welcome.html"
    html.write_text("<p>Grüße, {{ user.name }}</p>", encoding="utf-8")
    subject = ("--subject", "Hello {{ user.name }}", "--html", str(html))
    first = server.cli("template", "add", alias, *subject, *mine)
    second = server.cli("template", "add", alias, *subject, *mine)
    assert (first["published"], second["published"]) == (True, False)
    given = ("--variables", '{"user":{"name":"<Ada>"}}')
    filled = server.cli("template", "preview", alias, *given, *mine)
    assert filled["html"] == "<p>Grüße, &lt;Ada&gt;</p>"
    refused = server.command("template", "preview", alias, "--strict", *mine)
    assert (refused.returncode, "variables.user.name" in refused.stderr) == (2, True)
    server.cli("template", "publish", second["id"], *mine)
    assert owner.get(f"{PATH}/{second['id']}")["published"] is True
    server.cli("template", "remove", second["id"], *mine)
    assert [one["id"] for one in server.cli("template", "list", *mine)["templates"]] == [
        first["id"]
    ]
    bad = server.command("template", "add", alias, "--subject", "{% x %}", *mine)
    assert (bad.returncode, "subject" in bad.stderr) == (2, True)


@pytest.mark.parametrize(
    ("method", "rest", "scope"),
    [
        ("POST", "", "templates:write"),
        ("GET", "", "templates:read"),
        ("GET", "/{id}", "templates:read"),
        ("PATCH", "/{id}", "templates:write"),
        ("POST", "/{id}/publish", "templates:write"),
        ("POST", "/{id}/preview", "templates:read"),
        ("DELETE", "/{id}", "templates:write"),
    ],
)
def test_the_scope_it_needs(
    server: Server, owner: Admin, method: str, rest: str, scope: str
) -> None:
    path = PATH + rest.replace("{id}", f"template_{NOBODY}")
    new = {"alias": unique("t"), "subject": "s", "html": "x"}
    body: Any = new if (method, rest) == ("POST", "") else {}
    body = None if method in {"GET", "DELETE"} or rest.endswith("publish") else body
    may = owner.using(server.make_key(owner.account, None, scope=scope).secret)
    others = {"read": "write", "write": "read"}[scope.partition(":")[2]]
    may_not = owner.using(server.make_key(owner.account, None, scope=f"templates:{others}").secret)
    assert may.send(method, path, body).status_code in {200, 201, 404}
    assert may_not.send(method, path, body).status_code == 403
