"""`/v1/operators` and `/v1/invitations`: members of one account, as keys manage them."""

from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from tests.server import Server, Tenant, unique

MakeTenant = Callable[..., Tenant]


class Account:
    """An account with an unbound key that may do everything."""

    def __init__(self, server: Server, http: httpx2.Client, *, scope: str = "full") -> None:
        self.server = server
        self.id = server.make_account()
        self.http = http
        self.key = server.make_key(self.id, None, scope=scope)

    def ask(self, method: str, path: str, **more: Any) -> httpx2.Response:
        headers = {"authorization": f"Bearer {self.key.secret}"}
        return self.http.request(method, f"{self.server.address}{path}", headers=headers, **more)

    def hire(self, role: str) -> str:
        """The id of an operator with a role."""
        email = f"{unique('op')}@example.com"
        self.server.cli("operator", "add", email, "--account", self.id, "--role", role)
        found = self.ask("GET", "/v1/operators").json()["data"]["operators"]
        return next(str(one["id"]) for one in found if one["email"] == email)


@pytest.fixture
def account(server: Server, http: httpx2.Client) -> Account:
    return Account(server, http)


def test_members_are_listed_and_read(account: Account) -> None:
    ids = [account.hire(role) for role in ("owner", "viewer")]
    listed = account.ask("GET", "/v1/operators").json()["data"]["operators"]
    assert [one["id"] for one in listed] == ids[::-1]
    first = account.ask("GET", "/v1/operators?limit=1").json()["data"]
    rest = account.ask("GET", f"/v1/operators?cursor={first['nextCursor']}").json()["data"]
    assert [one["id"] for one in (*first["operators"], *rest["operators"])] == ids[::-1]
    one = account.ask("GET", f"/v1/operators/{ids[1]}").json()["data"]
    assert one == listed[0]
    assert (one["role"], one["secondFactor"], one["lastSignedInAt"]) == ("viewer", False, None)


def test_keys_manage_those_who_are_weaker_than_admins(account: Account) -> None:
    owner, admin, member = (account.hire(role) for role in ("owner", "admin", "member"))
    path = f"/v1/operators/{member}"
    changed = account.ask("PATCH", path, json={"role": "viewer"})
    assert changed.json()["data"]["role"] == "viewer"
    assert account.ask("PATCH", path, json={"role": "admin"}).status_code == 403
    assert account.ask("PATCH", path, json={"role": "emperor"}).status_code == 400
    for strong in (owner, admin):
        assert account.ask("DELETE", f"/v1/operators/{strong}").status_code == 403
        refused = account.ask("PATCH", f"/v1/operators/{strong}", json={"role": "viewer"})
        assert refused.status_code == 403
    assert account.ask("DELETE", path).json()["data"]["deleted"] is True
    assert account.ask("GET", path).status_code == 404
    log = account.ask("GET", "/v1/audit").json()["data"]["entries"]
    actions = [one["action"] for one in log]
    assert {"operator.role", "operator.leave", "operator.join"} <= set(actions)


def test_other_accounts_see_none_of_it(
    account: Account, server: Server, http: httpx2.Client
) -> None:
    mine, other = account.hire("member"), Account(server, http)
    made = account.ask("POST", "/v1/invitations", json={"email": "a@example.com"}).json()["data"]
    assert other.ask("GET", "/v1/operators").json()["data"]["operators"] == []
    assert other.ask("GET", "/v1/invitations").json()["data"]["invitations"] == []
    strange = (
        ("GET", f"/v1/operators/{mine}"),
        ("DELETE", f"/v1/operators/{mine}"),
        ("GET", f"/v1/invitations/{made['id']}"),
        ("DELETE", f"/v1/invitations/{made['id']}"),
        ("POST", f"/v1/invitations/{made['id']}/resend"),
    )
    for method, path in strange:
        assert other.ask(method, path).status_code == 404, (method, path)
    patched = other.ask("PATCH", f"/v1/operators/{mine}", json={"role": "viewer"})
    assert patched.status_code == 404


def test_an_invitation_is_made_once_and_its_link_shown_once(account: Account) -> None:
    given = {"email": "Kay <KAY@Example.com>", "role": "viewer"}
    made = account.ask("POST", "/v1/invitations", json=given)
    assert made.status_code == 201
    one = made.json()["data"]
    assert (one["email"], one["role"], one["expired"]) == ("kay@example.com", "viewer", False)
    assert "/dashboard/open/" in one["link"]
    assert account.ask("POST", "/v1/invitations", json=given).status_code == 409
    read = account.ask("GET", f"/v1/invitations/{one['id']}").json()["data"]
    assert read == {name: value for name, value in one.items() if name != "link"}
    again = account.ask("POST", f"/v1/invitations/{one['id']}/resend").json()["data"]
    assert again["link"] != one["link"]
    assert account.ask("DELETE", f"/v1/invitations/{one['id']}").status_code == 200
    assert account.ask("GET", "/v1/invitations").json()["data"]["invitations"] == []


@pytest.mark.parametrize("email", ["", "nobody", "a@b@c", "a\u0000@example.com", "a" * 400])
def test_what_is_no_address_is_refused(account: Account, email: str) -> None:
    refused = account.ask("POST", "/v1/invitations", json={"email": email})
    assert refused.status_code == 400
    assert [one["path"] for one in refused.json()["details"]] == [["email"]]


def test_a_key_makes_nobody_stronger_than_itself(server: Server, http: httpx2.Client) -> None:
    weak = Account(server, http, scope="operators:write")
    for role in ("viewer", "member", "admin", "owner"):
        given = {"email": f"{role}@example.com", "role": role}
        assert weak.ask("POST", "/v1/invitations", json=given).status_code == 403
    assert weak.ask("GET", "/v1/operators").status_code == 403


def test_a_key_of_one_project_manages_nobody(tenant: Tenant, server: Server) -> None:
    headers = {"authorization": f"Bearer {tenant.key.secret}"}
    with httpx2.Client(base_url=server.address, headers=headers) as bound:
        assert bound.get("/v1/operators").status_code == 403
        given = {"email": "a@example.com"}
        assert bound.post("/v1/invitations", json=given).status_code == 403
