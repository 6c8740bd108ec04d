"""Who gets nothing more: by the API, and by the link in a mail."""

import re
from urllib.parse import urlsplit

import httpx2
import pytest

from tests.api.admin import Admin
from tests.delivery.mails import ended, mail, somebody
from tests.delivery.test_mailbox import caught
from tests.dialects.native.wire import data_of
from tests.server import Server


def suppress(admin: Admin, email: str, **more: str) -> httpx2.Response:
    return admin.send("POST", "/v1/suppressions", {"email": email, **more})


def link_of(admin: Admin, to: str, server: Server) -> tuple[str, dict[str, str]]:
    """Where the link of the mail to an address leads on this machine, and the mail's headers."""
    whole = admin.get(f"/v1/mailbox/{caught(admin, to)['id']}")
    headers = dict(whole["headers"])
    link = headers["List-Unsubscribe"].strip("<>")
    parts = urlsplit(link)
    return f"{server.address}{parts.path}?{parts.query}", headers


def test_made_read_listed_and_ended(admin: Admin) -> None:
    to = somebody()
    made = data_of(suppress(admin, to.upper(), reason="By phone"), 201)
    assert (made["email"], made["type"], made["reason"]) == (to, "recipient", "By phone")
    assert admin.get(f"/v1/suppressions/{made['id']}") == made
    assert admin.get(f"/v1/suppressions/{to.replace('@', '%40')}") == made
    assert admin.get("/v1/suppressions")["suppressions"] == [made]
    assert admin.get("/v1/suppressions?type=bounce")["suppressions"] == []
    again = suppress(admin, to)
    assert (again.status_code, again.json()["data"]["existing"]["id"]) == (409, made["id"])
    data_of(admin.send("DELETE", f"/v1/suppressions/{to}"), 200)
    assert admin.send("GET", f"/v1/suppressions/{made['id']}").status_code == 404
    audited = [one["action"] for one in admin.get("/v1/audit")["entries"]]
    assert {"suppression.create", "suppression.delete"} <= set(audited)


def test_it_fails_at_once_and_only_for_that_account(admin: Admin, delivering: Server) -> None:
    to = somebody()
    data_of(suppress(admin, to, type="complaint"), 201)
    done = ended(admin, mail(admin, f"Jane <{to.title()}>"))
    (attempt,) = done["log"]
    assert (done["state"], attempt["fault"], attempt["nextAt"]) == ("failed", "suppressed", None)
    assert attempt["error"] == "Suppressed: complaint"
    tenant = delivering.make_tenant()
    other = admin.using(tenant.key.secret)
    assert ended(other, mail(other, to))["state"] == "succeeded"
    assert other.send("GET", f"/v1/suppressions/{to}").status_code == 404


def test_one_that_ends_by_itself(admin: Admin) -> None:
    to, until = somebody(), "2091-01-01T00:00:00.000Z"
    made = data_of(suppress(admin, to, keepUntil="2091-01-01T02:00:00+02:00"), 201)
    assert made["keepUntil"] == until
    assert admin.get("/v1/suppressions")["suppressions"] == [made]
    assert suppress(admin, somebody(), keepUntil="2020-01-01T00:00:00Z").status_code == 400
    (audited,) = [one for one in admin.get("/v1/audit")["entries"] if one["objectName"] == to]
    assert audited["after"]["keepUntil"] == until


@pytest.mark.parametrize("email", ["jane", "jane@", "a@b\r\nc"])
def test_what_is_no_address(admin: Admin, email: str) -> None:
    assert suppress(admin, email).status_code == 400


@pytest.mark.parametrize("name", ["nobody@example.com", "suppression_" + "0" * 32, "x", "x@"])
def test_what_there_is_not(admin: Admin, name: str) -> None:
    assert admin.send("GET", f"/v1/suppressions/{name}").status_code == 404
    assert admin.send("DELETE", f"/v1/suppressions/{name}").status_code == 404


def test_one_click_ends_it(admin: Admin, delivering: Server, http: httpx2.Client) -> None:
    to = somebody("j+tag")
    ended(admin, mail(admin, to, unsubscribe=True))
    link, headers = link_of(admin, to, delivering)
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    looked = http.get(link)
    assert looked.status_code == 200
    assert "<form" in looked.text
    assert admin.get("/v1/suppressions")["suppressions"] == []
    for _ in range(2):
        done = http.post(link, data={"List-Unsubscribe": "One-Click"})
        assert done.status_code == 200
    (found,) = admin.get("/v1/suppressions")["suppressions"]
    assert (found["email"], found["type"]) == (to, "unsubscribe")
    assert ended(admin, mail(admin, to))["log"][0]["fault"] == "suppressed"


def test_a_link_that_was_changed(admin: Admin, delivering: Server, http: httpx2.Client) -> None:
    to = somebody()
    ended(admin, mail(admin, to, unsubscribe=True))
    link, _ = link_of(admin, to, delivering)
    base, _, token = link.partition("?t=")
    wrong = ["", "x", token[:-1], token[1:], re.sub("..$", "AA", token), token * 20, "%ff"]
    for one in wrong:
        assert http.post(f"{base}?t={one}").status_code == 404
    assert http.put(link).status_code == 405
    assert admin.get("/v1/suppressions")["suppressions"] == []


def test_no_link_unless_it_is_wanted(admin: Admin) -> None:
    to = somebody()
    ended(admin, mail(admin, to))
    whole = admin.get(f"/v1/mailbox/{caught(admin, to)['id']}")
    assert "List-Unsubscribe" not in dict(whole["headers"])
