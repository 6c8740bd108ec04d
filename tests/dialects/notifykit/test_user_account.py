"""NotifyKit's dashboard operations: usage, the key, and the providers that are connected."""

import re
from datetime import datetime, timedelta
from typing import Any

import httpx2
import pytest

from tests.dialects.native.wire import INSTANT
from tests.dialects.notifykit.keeper import USER, Keeper, sentence, told
from tests.server import Server, unique

PATHS = {
    "sendgrid": ("SendGrid", "apiKey", "SendGrid API key"),
    "resend": ("Resend", "apiKey", "Resend API key"),
    "postmark": ("Postmark", "serverToken", "Postmark server token"),
}
NONE = {"hasKey": False, "addedAt": None, "lastFour": None, "priority": None}


@pytest.fixture
def keeper(server: Server, http: httpx2.Client) -> Keeper:
    return Keeper(server, http)


@pytest.fixture
def poor(server: Server, http: httpx2.Client) -> Keeper:
    return Keeper(server, http, plan="notifykit-free")


def connect(keeper: Keeper, kind: str, key: str | None = None) -> str:
    """Connect a provider; returns the key."""
    secret = key or unique(kind)
    told_ = keeper.done("POST", f"{kind}-key", {PATHS[kind][1]: secret})
    assert told_ == {"message": f"{PATHS[kind][0]} API key saved successfully"}
    return secret


def order(keeper: Keeper) -> list[tuple[str, int]]:
    listed = keeper.get("email-provider")["providers"]
    return [(one["provider"], one["priority"]) for one in listed]


# Usage


def moment(text: str) -> datetime:
    assert INSTANT.fullmatch(text)
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("plan", "shown", "limit"),
    [
        ("notifykit-free", "FREE", 100),
        ("notifykit-indie", "INDIE", 4000),
        ("notifykit-startup", "STARTUP", 15000),
        ("unlimited", "UNLIMITED", None),
    ],
)
def test_usage_of_a_new_account(
    server: Server, http: httpx2.Client, plan: str, shown: str, limit: int | None
) -> None:
    usage = Keeper(server, http, plan=plan).get("usage")
    ends, began = moment(usage.pop("usageResetAt")), moment(usage.pop("billingCycleStartAt"))
    assert ends - began == timedelta(days=30)
    assert usage == {
        "plan": shown,
        "monthlyLimit": limit,
        "usageCount": 0,
        "emailsSent": 0,
        "remaining": limit,
        "usagePercentage": "0",
    }


def a_mail() -> dict[str, Any]:
    return {"to": "jane@example.com", "subject": "Hello", "body": "How are you?"}


def a_webhook() -> dict[str, Any]:
    return {"url": "https://nobody.example.com/hook", "payload": {"a": 1}}


def test_usage_counts_what_was_sent(poor: Keeper) -> None:
    for _ in range(2):
        told(poor.send("POST", "/api/v1/notifications/email", a_mail()), 202)
    told(poor.send("POST", "/api/v1/notifications/webhook", a_webhook()), 202)
    assert poor.send("POST", "/api/v1/notifications/email", {}).status_code == 400
    usage = poor.get("usage")
    counted = (usage["usageCount"], usage["emailsSent"], usage["remaining"])
    assert counted == (3, 2, 97)
    assert usage["usagePercentage"] == "3"


# The key


def test_the_calling_key_is_shown_masked(keeper: Keeper) -> None:
    shown = keeper.get("api-key")
    assert shown["apiKey"] == f"nh_{'•' * 16}{keeper.key.secret[-4:]}"
    assert shown["masked"] is True
    assert INSTANT.fullmatch(shown["createdAt"])


def test_a_key_of_another_format_shows_its_own_prefix(keeper: Keeper) -> None:
    other = keeper.server.make_key(keeper.id, None, key_format="native")
    shown = told(keeper.send("GET", f"{USER}/api-key", key=other.secret))["apiKey"]
    assert shown == f"gp_live_{'•' * 16}{other.secret[-4:]}"


def test_a_new_secret_takes_the_place_of_the_old_one_at_once(keeper: Keeper) -> None:
    body = {"confirmEmail": "me@example.com"}
    made = keeper.done("POST", "api-key/generate", body)
    assert re.fullmatch(r"nh_[0-9a-f]{64}", made["apiKey"])
    assert made["message"] == (
        "API key generated successfully. Save it securely - you won't see it again."
    )
    assert keeper.refused("GET", "usage") == (401, "Invalid API key")
    assert keeper.send("GET", f"{USER}/usage", key=made["apiKey"]).status_code == 200


@pytest.mark.parametrize("body", [None, {}, {"confirmEmail": ""}, {"confirmEmail": 1}])
def test_a_new_secret_is_asked_for_on_purpose(keeper: Keeper, body: Any) -> None:
    wanted = (400, "Confirmation email required to regenerate API key")
    assert keeper.refused("POST", "api-key/generate", body) == wanted
    assert keeper.ask("GET", "usage").status_code == 200


# Providers


@pytest.mark.parametrize("kind", PATHS)
def test_a_provider_is_connected_and_disconnected(keeper: Keeper, kind: str) -> None:
    name = PATHS[kind][0]
    more = {"hasAccountKey": False} if kind == "postmark" else {}
    assert keeper.get(f"{kind}-key") == NONE | more
    secret = connect(keeper, kind)
    shown = keeper.get(f"{kind}-key")
    assert INSTANT.fullmatch(shown.pop("addedAt"))
    assert shown == {"hasKey": True, "lastFour": secret[-4:], "priority": 1} | more
    (mailer,) = keeper.native("/v1/mailers")["mailers"]
    assert (mailer["kind"], mailer["enabled"], mailer["anySender"]) == (kind, True, True)

    second = connect(keeper, kind)
    assert keeper.get(f"{kind}-key")["lastFour"] == second[-4:]
    (again,) = keeper.native("/v1/mailers")["mailers"]
    assert again["id"] == mailer["id"]

    for _ in range(2):
        gone = keeper.done("DELETE", f"{kind}-key")
        assert gone == {"message": f"{name} API key removed successfully"}
    assert keeper.get(f"{kind}-key") == NONE | more
    assert keeper.native("/v1/mailers")["mailers"] == []


@pytest.mark.parametrize("kind", PATHS)
def test_a_key_that_is_none_is_refused(keeper: Keeper, poor: Keeper, kind: str) -> None:
    name, member, label = PATHS[kind]
    for nothing in (None, {}, {member: ""}, {member: None}, {member: 1}):
        refused = keeper.refused("POST", f"{kind}-key", nothing)
        assert refused == (400, f"{label} is required")
    for wrong in ("x" * 1001, "not\nthis", "schlüssel"):
        refused = keeper.refused("POST", f"{kind}-key", {member: wrong})
        assert refused == (400, f"Invalid {label}")
    refused = poor.refused("POST", f"{kind}-key", {member: "key-of-it"})
    assert refused == (400, f"{name} API key is only available for paid plans")
    assert keeper.native("/v1/mailers")["mailers"] == []


def test_a_key_is_nowhere_to_be_read(keeper: Keeper) -> None:
    secret = connect(keeper, "sendgrid")
    for path in ("/api/v1/user/sendgrid-key", "/api/v1/user/email-provider"):
        assert secret not in keeper.send("GET", path).text
    audited = keeper.admin.wire.get("/v1/audit")
    assert "mailer.create" in audited.text
    assert secret not in audited.text
    assert connect(keeper, "resend", "short") == "short"
    assert keeper.get("resend-key")["lastFour"] is None


def test_a_disabled_provider_is_enabled_with_its_key(keeper: Keeper) -> None:
    connect(keeper, "resend")
    (mailer,) = keeper.native("/v1/mailers")["mailers"]
    keeper.admin.send("PATCH", f"/v1/mailers/{mailer['id']}", {"enabled": False})
    connect(keeper, "resend")
    assert keeper.native(f"/v1/mailers/{mailer['id']}")["enabled"] is True


def test_providers_are_asked_in_their_order(keeper: Keeper) -> None:
    assert keeper.get("email-provider") == {"providers": []}
    secrets = {kind.upper(): connect(keeper, kind) for kind in ("postmark", "sendgrid", "resend")}
    assert order(keeper) == [("POSTMARK", 1), ("SENDGRID", 2), ("RESEND", 3)]
    for one in keeper.get("email-provider")["providers"]:
        assert one["lastFour"] == secrets[one["provider"]][-4:]
        assert INSTANT.fullmatch(one["addedAt"])

    swapped = keeper.done("PATCH", "email-provider/resend/priority", {"priority": 1})
    assert swapped["providers"] == [
        {"provider": "RESEND", "priority": 1},
        {"provider": "SENDGRID", "priority": 2},
        {"provider": "POSTMARK", "priority": 3},
    ]
    keeper.done("PATCH", "email-provider/SENDGRID/priority", {"priority": 9})
    assert order(keeper) == [("RESEND", 1), ("POSTMARK", 3), ("SENDGRID", 9)]
    keeper.done("PATCH", "email-provider/SendGrid/priority", {"priority": 9})
    assert order(keeper) == [("RESEND", 1), ("POSTMARK", 3), ("SENDGRID", 9)]
    (last,) = keeper.native("/v1/audit?limit=1")["entries"]
    assert last["action"] == "mailer.update"


def test_a_priority_that_is_none_is_refused(keeper: Keeper) -> None:
    connect(keeper, "resend")
    path = "email-provider/resend/priority"
    for wrong in (None, {}, *({"priority": one} for one in (0, -1, "1", 1.5, True, None))):
        refused = keeper.refused("PATCH", path, wrong)
        assert refused == (400, "priority must be a positive integer")
    assert keeper.refused("PATCH", path, {"priority": 1001})[0] == 400
    unknown = keeper.refused("PATCH", "email-provider/pigeon/priority", {"priority": 1})
    assert unknown == (400, "Unknown provider: pigeon")
    absent = keeper.refused("PATCH", "email-provider/sendgrid/priority", {"priority": 1})
    assert absent == (404, "No sendgrid API key configured")
    assert order(keeper) == [("RESEND", 1)]


# Keys that may not


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "usage"),
        ("POST", "api-key/generate"),
        ("GET", "sendgrid-key"),
        ("POST", "resend-key"),
        ("DELETE", "postmark-key"),
        ("GET", "email-provider"),
        ("PATCH", "email-provider/resend/priority"),
        ("GET", "webhook-secret"),
        ("POST", "webhook-secret"),
        ("POST", "webhook-secret/rotate"),
        ("DELETE", "webhook-secret"),
        ("POST", "domain/request"),
        ("POST", "domain/verify"),
        ("GET", "domain/status"),
        ("DELETE", "domain"),
    ],
)
def test_a_key_that_only_sends_keeps_nothing(keeper: Keeper, method: str, path: str) -> None:
    weak = keeper.make_key(scope="sending").secret
    assert keeper.send(method, f"{USER}/{path}", {}, key=weak).status_code == 403
    assert sentence(keeper.send(method, f"{USER}/{path}", {}, key=f"nh_{'0' * 64}")) == (
        401,
        "Invalid API key",
    )
