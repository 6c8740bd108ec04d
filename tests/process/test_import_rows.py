"""`gatepost import` of templates, suppressions, contacts and sending domains."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests import plain
from tests.process.importing import Importer, lines, table
from tests.server import Server

MANY = 2_300
"""Rows that need several transactions."""


@pytest.fixture
def bring(server: Server, tmp_path: Path) -> Importer:
    """Imports into an account of its own."""
    return Importer(server, tmp_path, server.make_account())


@pytest.fixture
def secret(server: Server, bring: Importer) -> str:
    """A key of that account."""
    return server.make_key(bring.account, None).secret


def asked(server: Server, path: str, secret: str) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {secret}"}
    found = plain.get(server.address + path, headers=headers, timeout=30)
    assert found.status_code == 200, found.text
    body: dict[str, Any] = found.json()
    return body


# Templates


def test_templates_come_with_their_texts(server: Server, bring: Importer, secret: str) -> None:
    page = '<p>Hello {{ name }},</p>\r\n<p>"quoted", and more;</p>\n'
    rows = [
        {"alias": "welcome", "subject": "Hi {{ name }}", "html": page, "text": "Hello\n",
         "from": "a@x.org"},
        {"alias": "later", "subject": "Later", "text": "T", "published": "no"},
        {"alias": "welcome", "subject": "Hi again", "text": "Further"},
    ]  # fmt: skip
    report = bring("templates", table(rows))
    notes = [row["note"] for row in report["templates"]]
    assert notes == ["version 1, published", "version 1, a draft", "version 2, a draft"]
    found = asked(server, f"/v1/templates/{report['templates'][0]['id']}", secret)["data"]
    assert (found["html"], found["text"], found["from"]) == (page, "Hello\n", "a@x.org")


def test_pages_of_emailit_are_read_as_they_are(bring: Importer) -> None:
    one = {
        "object": "template",
        "id": "tem_47TaFwzFDg83CGwXoOT3dzpOtqw",
        "name": "Welcome",
        "alias": "welcome",
        "subject": "Hello",
        "html": "<p>{{first_name}}</p>",
        "text": None,
        "editor": "html",
        "published_at": "2026-01-27T09:00:00.000000Z",
    }
    draft = one | {"alias": "draft", "published_at": None}
    report = bring("templates", json.dumps({"data": one}) + json.dumps({"data": [draft]}))
    assert [row["note"] for row in report["templates"]] == [
        "version 1, published",
        "version 1, a draft",
    ]
    assert report["unused"] == ["object", "id", "editor"]


def test_templates_that_are_none_are_refused(bring: Importer) -> None:
    good = {"alias": "good", "subject": "S", "text": "T"}
    wrong: dict[str, dict[str, str]] = {
        "subject: is needed": good | {"subject": ""},
        "alias: 1 to 100": good | {"alias": "Not An Alias"},
        "html": good | {"text": ""},
        "html: Line 1": good | {"html": "{% include 'x' %}"},
        "At most 500": good | {"subject": "S" * 501},
        "at most 200000".capitalize(): good | {"html": "x" * 200_001},
        "has more than": good | {"html": "x" * 1_000_001},
        "published: must be a time": good | {"published": "sometimes"},
        "Must be one line": good | {"name": "two\nlines"},
    }
    report = bring("templates", table([*wrong.values(), good]))
    for why, row in zip(wrong, report["templates"][:-1], strict=True):
        assert why in row["note"]
    assert (report["created"], report["refused"]) == (1, len(wrong))


# Suppressions


def test_suppressions_keep_why_and_since_when(server: Server, bring: Importer, secret: str) -> None:
    rows = [
        {"Email": "Ann@Example.COM", "Type": "bounce", "Reason": "550 gone",
         "Timestamp": "2026-01-02T03:04:05Z"},
        {"Email": "bob@example.com", "Type": "Spam Complaint"},
        {"Email": "eve@example.com"},
        {"Email": "ann@example.com", "Type": "complaint"},
    ]  # fmt: skip
    assert bring.results("suppressions", table(rows)) == ["created"] * 3 + ["exists"]
    found = asked(server, "/v1/suppressions", secret)["data"]["suppressions"]
    kept = {one["email"]: (one["type"], one["reason"]) for one in found}
    assert kept == {
        "ann@example.com": ("bounce", "550 gone"),
        "bob@example.com": ("complaint", ""),
        "eve@example.com": ("recipient", ""),
    }
    assert found[-1]["createdAt"] == "2026-01-02T03:04:05.000Z"


def test_suppressions_that_are_none_are_refused(bring: Importer) -> None:
    rows = [
        {"email": "no address"},
        {"email": "a@example.com", "type": "whim"},
        {"email": "b@example.com", "keep_until": "2001-01-01T00:00:00Z"},
        {"email": "c@example.com", "reason": "x" * 501},
        {"email": "d@example.com", "timestamp": "yesterday"},
        {"email": "e@exam\x00ple.com"},
        {"email": "kept@example.com", "keep_until": "2091-01-01T00:00:00Z"},
    ]
    assert bring.results("suppressions", table(rows)) == ["refused"] * 6 + ["created"]


def test_many_rows_go_in_batches(bring: Importer) -> None:
    """In which a dry run too sees what was there before, and what came earlier in the file."""
    rows = [{"email": f"user{at}@example.com"} for at in range(MANY)]
    file = table([*rows, rows[0]])
    expected = ["created"] * MANY + ["exists"]
    before = bring.rows_of("suppressions", "audit")
    assert bring.results("suppressions", file, "--dry-run") == expected
    assert bring.rows_of("suppressions", "audit") == before
    assert bring.results("suppressions", file) == expected
    kept = bring.rows_of("suppressions", "audit")
    assert len(kept["suppressions"]) == len(kept["audit"]) - len(before["audit"]) == MANY
    assert bring.results("suppressions", file) == ["exists"] * (MANY + 1)
    assert bring.rows_of("suppressions", "audit") == kept


# Contacts

PEOPLE = ("contacts", "subscribers", "audiences", "audit")


def test_contacts_and_their_audiences(server: Server, bring: Importer, secret: str) -> None:
    rows = [
        {"Email": "Ann@example.com", "First Name": "Ann", "Last Name": "Arbor",
         "Audiences": "News; Product news", "Custom Fields": '{"city": "Oslo", "age": 7}',
         "Plan": "pro"},
        {"Email": "bob@example.com", "Audiences": "News", "Unsubscribed": "TRUE"},
        {"Email": "eve@example.com"},
    ]  # fmt: skip
    assert bring.results("contacts", table(rows), "--field", "plan") == ["created"] * 3
    ann = asked(server, "/v2/contacts/ann@example.com", secret)
    assert (ann["first_name"], ann["last_name"]) == ("Ann", "Arbor")
    assert ann["custom_fields"] == {"city": "Oslo", "age": 7, "plan": "pro"}
    assert {one["name"] for one in ann["audiences"]} == {"News", "Product news"}
    assert asked(server, "/v2/contacts/bob@example.com", secret)["unsubscribed"] is True


def test_contacts_that_are_known_lose_nothing(server: Server, bring: Importer, secret: str) -> None:
    before = [{"email": "ann@example.com", "first_name": "Ann", "custom_fields": {"city": "Oslo"}}]
    after = [
        {"email": "ann@example.com", "first_name": "Anna", "last_name": "Arbor",
         "custom_fields": {"city": "Rome", "age": 7}},
        {"email": "ann@example.com", "unsubscribed": True},
        {"email": "ann@example.com", "unsubscribed": False, "last_name": "Other"},
    ]  # fmt: skip
    bring("contacts", json.dumps(before))
    assert bring.results("contacts", json.dumps(after)) == ["changed", "changed", "exists"]
    ann = asked(server, "/v2/contacts/ann@example.com", secret)
    assert (ann["first_name"], ann["last_name"]) == ("Ann", "Arbor")
    assert ann["custom_fields"] == {"city": "Oslo", "age": 7}
    assert ann["unsubscribed"] is True


def test_who_has_left_an_audience_stays_away(bring: Importer) -> None:
    page = {"data": [
        {"object": "subscriber", "email": "ann@example.com", "subscribed": False},
        {"object": "subscriber", "email": "bob@example.com", "subscribed": True},
    ]}  # fmt: skip
    assert bring.results("contacts", json.dumps(page)) == ["refused", "created"]
    bring("contacts", lines([{"email": "ann@example.com"}]), "--audience", "News")
    flags = ("--audience", "News")
    assert bring.results("contacts", json.dumps(page), *flags) == ["changed", "changed"]
    kept = bring.rows_of(*PEOPLE)
    assert bring.results("contacts", json.dumps(page), *flags) == ["exists", "exists"]
    back = json.dumps(page).replace("false", "true")
    assert bring.results("contacts", back, *flags) == ["exists", "exists"]
    assert bring.rows_of(*PEOPLE) == kept


def test_contacts_that_are_none_are_refused(bring: Importer) -> None:
    rows: list[dict[str, Any]] = [
        {"email": "no address"},
        {"email": "Ann <a@example.com>"},
        {"email": "b@example.com", "custom_fields": "[1]"},
        {"email": "c@example.com", "custom_fields": {"a": "x" * 20_000}},
        {"email": "d@example.com", "custom_fields": '{"a": "\\ud800"}'},
        {"email": "e@example.com", "audiences": ["aud_47TaFwzFDg83CGwXoOT3dzpOtqw"]},
        {"email": "f@example.com", "audiences": ["x" * 300]},
        {"email": "g@example.com", "first_name": ["Ann"]},
        {"email": "kept@example.com", "audiences": [{"id": "aud_1", "name": "News"}]},
    ]
    assert bring.results("contacts", lines(rows)) == ["refused"] * 8 + ["created"]


def test_many_contacts_go_in_batches(bring: Importer) -> None:
    rows = [{"email": f"user{at}@example.com", "last_name": f"No. {at}"} for at in range(MANY)]
    file, flags = table([*rows, rows[0]]), ("--audience", "Everybody")
    expected = ["created"] * MANY + ["exists"]
    before = bring.rows_of(*PEOPLE)
    assert bring.results("contacts", file, *flags, "--dry-run") == expected
    assert bring.rows_of(*PEOPLE) == before
    assert bring.results("contacts", file, *flags) == expected
    kept = bring.rows_of(*PEOPLE)
    assert (len(kept["contacts"]), len(kept["subscribers"])) == (MANY, MANY)
    assert bring.results("contacts", file, *flags) == ["exists"] * (MANY + 1)
    assert bring.rows_of(*PEOPLE) == kept


# Sending domains


def test_domains_come_with_keys_of_their_own(server: Server, bring: Importer) -> None:
    rows = [
        {"domain": "Example.ORG.", "track_loads": "1", "track_clicks": "0"},
        {"domain": "news.example.org", "track_loads": "", "track_clicks": ""},
        {"domain": "example.org", "track_loads": "0", "track_clicks": "0"},
        {"domain": "no domain", "track_loads": "0", "track_clicks": "0"},
        {"domain": "münchen.de", "track_loads": "0", "track_clicks": "0"},
    ]
    expected = ["created", "created", "exists", "refused", "refused"]
    before = bring.rows_of("sending_domains", "audit")
    assert bring.results("domains", table(rows), "--dry-run") == expected
    assert bring.rows_of("sending_domains", "audit") == before
    assert bring.results("domains", table(rows)) == expected
    kept = bring.rows_of("sending_domains", "audit")
    assert bring.results("domains", table(rows)) == ["exists"] * 3 + ["refused"] * 2
    assert bring.rows_of("sending_domains", "audit") == kept
    found = server.cli("domain", "list", "--account", bring.account)["domains"]
    assert {one["name"]: one["status"] for one in found} == {
        "example.org": "pending",
        "news.example.org": "pending",
    }
    records = [record for one in found for record in one["records"]]
    assert len({record["value"] for record in records if record["purpose"] == "dkim"}) == 2
