"""Whoever stands behind the gate: gate keys made over HTTP, and checks of them."""

from typing import Any

import httpx2

from tests.api.admin import Admin
from tests.dialects.native.wire import data_of
from tests.server import unique

KEYS = "/v1/gate/keys"
CHECK = "/v1/gate/check"


def make_gate_key(admin: Admin, **body: Any) -> dict[str, Any]:
    """A new gate key of the admin's project."""
    new = {"name": unique("gate key"), "projectId": admin.project, **body}
    return data_of(admin.send("POST", KEYS, new), 201)


def refused_gate_key(admin: Admin, **body: Any) -> httpx2.Response:
    return admin.send("POST", KEYS, {"name": "x", "projectId": admin.project, **body})


def change_gate_key(admin: Admin, key: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return data_of(admin.send("PATCH", f"{KEYS}/{key['id']}", changes), 200)


def check(admin: Admin, secret: str, once: str | None = None, **more: Any) -> dict[str, Any]:
    """What a check of a secret is answered."""
    return data_of(admin.send("POST", CHECK, {"key": secret, **more}, once), 200)


def reason(admin: Admin, secret: str, **more: Any) -> str | None:
    """Why a check is refused, None when it is allowed."""
    found = check(admin, secret, **more)
    assert found["allowed"] is (found["reason"] is None)
    assert (found["message"] is None) is found["allowed"]
    why: str | None = found["reason"]
    return why


def check_many(admin: Admin, *checks: dict[str, Any], once: str | None = None) -> Any:
    body = {"checks": list(checks)}
    return data_of(admin.send("POST", f"{CHECK}/batch", body, once), 200)["results"]


def make_customer(admin: Admin, **body: Any) -> dict[str, Any]:
    new = {"identifier": unique("customer"), **body}
    return data_of(admin.send("POST", "/v1/customers", new), 201)
