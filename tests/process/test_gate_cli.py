"""`gatepost gate` beside a running server: gate keys, and checks that both make of one quota."""

import json
from typing import Any
from uuid import UUID

import pytest

from tests import plain, program
from tests.server import Server, Tenant, unique


def checked(server: Server, *args: str, said: str = "") -> tuple[int, str | None]:
    """The exit code of a check, and the reason it gives."""
    done = program.run(("gate", "check", *args, "--json"), env=server.env, said=said)
    return done.returncode, json.loads(done.stdout)["reason"]


@pytest.fixture
def made(server: Server, tenant: Tenant) -> dict[str, Any]:
    options = ["--project", tenant.project, "--account", tenant.account, "--prefix", "acme"]
    options += ["--scope", "a:*", "--limit", "100/60s", "--quota", "3/month"]
    return server.cli("gate", "key", "create", unique("key"), *options)


def test_a_gate_key_has_what_was_asked_for(
    server: Server, tenant: Tenant, made: dict[str, Any]
) -> None:
    secret = made.pop("key")
    assert secret.startswith("acme_")
    assert (made["projectId"], made["start"]) == (tenant.project, secret[:9])
    assert (made["scopes"], made["limit"], made["quota"]) == (["a:*"], "100/60s", "3/month")
    assert made in server.cli("gate", "key", "list", "--project", tenant.project)["keys"]
    assert made in server.cli("gate", "key", "list", "--account", tenant.account)["keys"]


def test_command_line_and_server_charge_one_quota(
    server: Server, tenant: Tenant, made: dict[str, Any]
) -> None:
    secret = made["key"]
    assert checked(server, secret, "--scope", "a:b", "--cost", "2") == (0, None)
    assert checked(server, "--dry-run", said=secret) == (0, None)
    headers = {"Authorization": f"Bearer {tenant.key.secret}"}
    body = {"key": secret}
    answer = plain.post(f"{server.address}/v1/gate/check", headers=headers, json=body)
    assert answer.json()["data"]["quotas"][0]["remaining"] == 0
    assert checked(server, secret) == (1, "quota_exceeded")
    assert checked(server, secret, "--scope", "b") == (1, "scope_missing")
    assert checked(server, f"{secret}x") == (1, "key_not_found")


def test_a_check_names_its_customer_and_route(server: Server, tenant: Tenant) -> None:
    whose = ("--account", tenant.account)
    customer = server.cli("customer", "register", unique("customer"), *whose)
    options = ("--project", tenant.project, *whose)
    free = server.cli("gate", "key", "create", unique("key"), *options)["key"]
    named = ("--customer", customer["identifier"], "--route", "POST /a", "--cost", "5")
    assert checked(server, free, *named) == (0, None)
    assert checked(server, free, *named, "--dry-run") == (0, None)
    uuid = str(UUID(customer["id"].removeprefix("customer_")))
    assert checked(server, free, "--customer", uuid, "--route", "POST /b") == (0, None)
    assert checked(server, free, "--customer", "nobody") == (1, "customer_not_found")
    used = server.cli("customer", "usage", customer["id"], "--by", "endpoint")["rows"]
    told = [(row["group"]["endpoint"], row["requests"], row["units"]) for row in used]
    assert told == [("gate:POST /a", 1, 5), ("gate:POST /b", 1, 1)]
    bound = (*options, "--customer", customer["id"])
    mine = server.cli("gate", "key", "create", unique("key"), *bound)
    assert checked(server, mine["key"], "--customer", customer["identifier"]) == (0, None)
    assert checked(server, mine["key"], "--customer", "nobody") == (1, "customer_not_found")
    (listed,) = server.cli("gate", "key", "list", "--customer", customer["id"])["keys"]
    assert listed["id"] == mine["id"]


def test_a_gate_key_is_switched_off_rotated_and_ended(
    server: Server, tenant: Tenant, made: dict[str, Any]
) -> None:
    def reason(secret: str) -> str | None:
        headers = {"Authorization": f"Bearer {tenant.key.secret}"}
        body = {"key": secret, "cost": 0, "dryRun": True}
        answer = plain.post(f"{server.address}/v1/gate/check", headers=headers, json=body)
        told: str | None = answer.json()["data"]["reason"]
        return told

    first = made["key"]
    assert reason(first) is None
    assert server.cli("gate", "key", "disable", made["name"])["enabled"] is False
    assert reason(first) == "key_disabled"
    assert server.cli("gate", "key", "enable", made["id"])["enabled"] is True
    assert reason(first) is None
    second = server.cli("gate", "key", "rotate", made["id"], "--grace", "600")["key"]
    assert (reason(first), reason(second)) == (None, None)
    third = server.cli("gate", "key", "rotate", made["id"])["key"]
    assert [reason(one) for one in (first, second)] == ["key_not_found"] * 2
    assert reason(third) is None
    ended = server.cli("gate", "key", "delete", made["id"])
    assert (ended["id"], ended["deleted"], "key" in ended) == (made["id"], True, False)
    assert reason(third) == "key_not_found"
    assert server.command("gate", "key", "enable", made["id"]).returncode == 1


def test_a_name_that_several_keys_have_is_told(server: Server, tenant: Tenant) -> None:
    name = unique("key")
    for _ in range(2):
        server.cli("gate", "key", "create", name, "--project", tenant.project)
    done = server.command("gate", "key", "disable", name)
    assert (done.returncode, "by its id" in done.stderr) == (2, True), done.stderr
    assert server.command("gate", "key", "delete", unique("key")).returncode == 1


@pytest.mark.parametrize(
    "option",
    [("--cost", "-1"), ("--cost", "1000001"), ("--cost", "x"), ("--route", "x" * 201)],
)
def test_a_check_that_cannot_be_is_an_error_of_usage(
    server: Server, made: dict[str, Any], option: tuple[str, str]
) -> None:
    done = server.command("gate", "check", made["key"], *option)
    assert (done.returncode, done.stdout) == (2, "")
    assert made["key"] not in done.stderr


@pytest.mark.parametrize(
    ("option", "code"),
    [
        (("--quota", "10/week"), 2),
        (("--limit", "many"), 2),
        (("--prefix", "gp_live"), 2),
        (("--scope", "Not"), 2),
        (("--customer", "nobody"), 1),
        (("--project", "nowhere"), 1),
    ],
)
def test_what_cannot_be_is_refused(
    server: Server, tenant: Tenant, option: tuple[str, str], code: int
) -> None:
    where = () if "--project" in option else ("--project", tenant.project)
    done = server.command("gate", "key", "create", "x", *option, *where)
    assert (done.returncode, done.stdout) == (code, "")
    assert "Traceback" not in done.stderr
