"""What NotifyKit's page on keys says, to the letter; and the envelope around everything."""

import httpx2
import pytest

from tests import plain
from tests.dialects.native.wire import INSTANT
from tests.dialects.notifykit.keeper import Keeper, sentence, told
from tests.dialects.notifykit.sending import JOBS, PREFIX, refused, try_webhook
from tests.server import Server

PING = "/api/v1/ping"
MISSING = "API key is missing"
INVALID = "Invalid API key"


def body_of(answer: httpx2.Response) -> dict[str, object]:
    """The body with the moment of the page in place of its own."""
    body: dict[str, object] = answer.json()
    assert INSTANT.fullmatch(str(body["timestamp"]))
    return body | {"timestamp": "2026-01-09T12:00:00.000Z"}


def test_ping_with_a_key(account: Keeper) -> None:
    assert len(account.key.secret) == 67
    answer = account.http.get(
        f"{account.server.address}{PING}", headers={"X-API-Key": account.key.secret}
    )
    assert answer.status_code == 200
    assert body_of(answer) == {
        "success": True,
        "data": {"message": "pong"},
        "timestamp": "2026-01-09T12:00:00.000Z",
    }


def test_no_key(quick: Server) -> None:
    answer = plain.get(f"{quick.address}{PING}")
    assert answer.status_code == 401
    assert body_of(answer) == {
        "success": False,
        "error": MISSING,
        "timestamp": "2026-01-09T12:00:00.000Z",
    }


@pytest.mark.parametrize(
    "key",
    [
        "nh_" + "a" * 63,
        "nh_" + "a" * 65,
        "nh_" + "A" * 64,
        "nsk_" + "a" * 64,
        "nh_" + "g" * 64,
        "nh_" + "0123456789abcdef" * 4,
        "ntfy_sk_live_" + "a" * 32,
    ],
)
def test_a_key_that_is_none(account: Keeper, key: str) -> None:
    answer = account.send("GET", PING, key=key)
    assert answer.status_code == 401
    assert body_of(answer) == {
        "success": False,
        "error": INVALID,
        "timestamp": "2026-01-09T12:00:00.000Z",
    }


def test_a_bearer_works_and_the_other_header_wins(account: Keeper) -> None:
    url, mine = f"{account.server.address}{PING}", {"Authorization": f"Bearer {account.key.secret}"}
    assert account.http.get(url, headers=mine).status_code == 200
    wrong = {"X-API-Key": "nh_" + "0" * 64}
    refused(account.http.get(url, headers=mine | wrong), 401, INVALID)
    right = {"X-API-Key": account.key.secret, "Authorization": "Bearer nh_" + "0" * 64}
    assert account.http.get(url, headers=right).status_code == 200
    other = {"Authorization": f"Basic {account.key.secret}"}
    refused(account.http.get(url, headers=other), 401, MISSING)


def test_gateposts_own_key_works(account: Keeper) -> None:
    key = account.server.make_key(account.id, None, key_format="native")
    assert told(account.send("GET", PING, key=key.secret)) == {"message": "pong"}


@pytest.mark.parametrize(
    ("status", "words"),
    [("inactive", "Account is inactive"), ("deleted", "Account has been deleted")],
)
def test_an_account_that_is_off(account: Keeper, status: str, words: str) -> None:
    account.server.cli("account", "set-status", account.id, status)
    for method, path in (("GET", PING), ("GET", JOBS), ("POST", f"{PREFIX}/email")):
        refused(account.send(method, path), 403, words)


def test_info(account: Keeper) -> None:
    shown = told(account.send("GET", "/api/v1/info"))
    assert (shown["name"], shown["version"]) == ("NotifyKit API", "1.0.0")
    assert set(shown) == {"name", "version", "description", "documentation"}
    assert plain.get(shown["documentation"]).status_code == 200
    refused(plain.get(f"{account.server.address}/api/v1/info"), 401, MISSING)


def test_health_needs_no_key(quick: Server) -> None:
    answer = plain.get(f"{quick.address}/api/v1/health/simple")
    assert told(answer) == {"status": "ok"}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", f"{PREFIX}/nothing"),
        ("PUT", f"{PREFIX}/email"),
        ("GET", f"{PREFIX}/email"),
        ("DELETE", PING),
        ("POST", "/api/v1/health/simple"),
    ],
)
def test_nothing_is_there(account: Keeper, method: str, path: str) -> None:
    refused(account.send(method, path), 404, f"Cannot {method} {path}")


def test_ping_needs_its_prefix(account: Keeper) -> None:
    assert account.send("GET", "/ping").status_code == 404


def test_what_was_accepted(account: Keeper) -> None:
    shown = told(try_webhook(account, "https://example.com/"), 202)
    assert set(shown) == {"jobId", "status", "type", "createdAt"}
    assert (shown["status"], shown["type"]) == ("pending", "webhook")
    assert shown["jobId"].startswith("job_")
    assert INSTANT.fullmatch(shown["createdAt"])


def test_a_key_without_the_right_is_told_so(account: Keeper) -> None:
    reader = account.make_key(scope="read")
    answer = account.send("POST", f"{PREFIX}/email", {}, key=reader.secret)
    assert answer.status_code == 403
    assert "messages:send" in sentence(answer)[1]
    assert account.send("GET", JOBS, key=reader.secret).status_code == 200


def test_answers_are_not_cached(account: Keeper) -> None:
    for path in (PING, f"{PREFIX}/nothing"):
        assert account.send("GET", path).headers["cache-control"] == "no-store"


def test_a_body_that_is_too_large(account: Keeper) -> None:
    answer = account.send("POST", f"{PREFIX}/email", {"to": "x" * 10_485_760})
    assert answer.status_code == 413
    assert sentence(answer)[1] == "Request body exceeds the 10 MiB limit"
