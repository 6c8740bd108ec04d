"""Keys of EMMI's earlier generation: whom their requests are done for, and what is refused."""

import hashlib
import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.dialects.emmi.wire import ECHO, Account, data_of, refused, without_id
from tests.dialects.native.wire import at_once
from tests.ports import free_port
from tests.server import unique

SHAPE = re.compile(r"sk_(live|test)_(single|multi)_[A-Za-z0-9]{14,}_[0-9a-f]{4}")

Make = Callable[[str], str]


@pytest.fixture
def make(account: Account) -> Make:
    """The secret of a new key of the account's."""

    def one(kind: str) -> str:
        return account.server.make_key(account.id, None, key_format=kind).secret

    return one


def of_identifier(account: Account, identifier: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = account.get(f"/customers?identifier={identifier}")["data"]
    return found


@pytest.mark.parametrize("kind", ["emmi-single", "emmi-multi"])
def test_a_key_has_the_earlier_shape_and_its_checksum(make: Make, kind: str) -> None:
    secret = make(kind)
    assert SHAPE.fullmatch(secret)
    body, _, check = secret.rpartition("_")
    assert hashlib.sha256(body.encode()).hexdigest().startswith(check)
    assert secret.startswith(f"sk_live_{kind.removeprefix('emmi-')}_")


def test_a_single_key_needs_no_customer(anywhere: Account, make: Make) -> None:
    secret = make("emmi-single")
    assert of_identifier(anywhere, "default") == []
    for _ in range(2):
        data_of(anywhere.send("POST", ECHO, [{}, {}], key=secret))
    (customer,) = of_identifier(anywhere, "default")
    assert anywhere.used(customer["customer_id"]) == (2, 4, 0)


def test_a_multi_key_names_its_end_customers(anywhere: Account, make: Make) -> None:
    secret, known = make("emmi-multi"), anywhere.register()
    end_users = (known["identifier"], "Zoë's fonds")
    for text in (*end_users, end_users[1]):
        sent: Any = text.encode()
        data_of(anywhere.send("POST", ECHO, [{}], key=secret, X_End_User_Id=sent))
    assert anywhere.used(known["customer_id"]) == (1, 1, 0)
    made = [one for one in anywhere.get("/customers")["data"] if one["identifier"] == end_users[1]]
    assert [anywhere.used(one["customer_id"]) for one in made] == [(2, 2, 0)]


@pytest.mark.parametrize("named", [{}, {"X_End_User_Id": ""}])
def test_a_multi_key_must_name_somebody(
    account: Account, make: Make, named: dict[str, str]
) -> None:
    secret, known = make("emmi-multi"), account.register()["customer_id"]
    refused(account.ask(known, key=secret, **named), 400, "missing_end_user_id")
    assert account.used(known) == (0, 0, 0)


def test_what_cannot_name_anybody_is_refused(account: Account, make: Make) -> None:
    secret = make("emmi-multi")
    for text in ("x" * 256, b"\xff\xfe"):
        sent: Any = text
        answer = account.send("POST", ECHO, {}, key=secret, X_End_User_Id=sent)
        refused(answer, 400, "invalid_end_user_id")
    assert account.get("/customers")["data"] == []


def test_end_customers_are_stopped_limited_and_ended_like_others(
    account: Account, make: Make
) -> None:
    secret, end_user = make("emmi-multi"), unique("user")

    def ask() -> Any:
        return account.send("POST", ECHO, {}, key=secret, X_End_User_Id=end_user)

    data_of(ask())
    (customer,) = of_identifier(account, end_user)
    path = f"/customers/{customer['customer_id']}"
    quota = {"metric": "units", "limit": 1, "period": "month", "mode": "hard"}
    data_of(account.send("PUT", f"{path}/quota", quota))
    refused(ask(), 429, "quota_exceeded")
    data_of(account.send("PATCH", path, {"status": "inactive"}))
    refused(ask(), 403, "customer_inactive")
    assert account.send("DELETE", path).status_code == 204
    data_of(ask())
    (again,) = of_identifier(account, end_user)
    assert again["customer_id"] != customer["customer_id"]


def test_many_at_once_register_one_customer(account: Account, make: Make) -> None:
    secret, end_user = make("emmi-multi"), unique("user")

    def ask(_number: int) -> int:
        answer = account.send("POST", ECHO, {}, key=secret, X_End_User_Id=end_user)
        return answer.status_code

    assert at_once(16, ask) == [200] * 16
    (customer,) = of_identifier(account, end_user)
    assert account.used(customer["customer_id"]) == (16, 16, 0)


def test_relayed_requests_are_done_for_them_too(account: Account, make: Make) -> None:
    upstream = f"http://127.0.0.1:{free_port()}/estimates"
    terms = ("--account", account.id, "--units", "array", "--customer", "required")
    path = "/emissions-estimates"
    account.server.cli("relay", "add", "POST", account.prefix + path, upstream, *terms)
    single, multi = make("emmi-single"), make("emmi-multi")
    refused(account.send("POST", path, [{}], key=single), 502, "upstream_failed")
    refused(account.send("POST", path, [{}], key=multi), 400, "missing_end_user_id")
    assert len(of_identifier(account, "default")) == 1


def test_a_wrong_checksum_is_refused_as_any_wrong_key(account: Account, make: Make) -> None:
    secret = make("emmi-single")
    body, _, check = secret.rpartition("_")
    other = f"{(int(check, 16) + 1) % 0x10000:04x}"
    wrong = (f"{body}_{other}", f"{body[:-1]}_{check}", body, f"{secret}0", secret.upper())
    answers = [account.send("POST", ECHO, {}, key=one) for one in wrong]
    for answer in answers:
        refused(answer, 401, "invalid_api_key")
    assert len({without_id(answer) for answer in answers}) == 1


def test_a_key_of_today_passes_the_older_header_over(account: Account) -> None:
    refused(account.send("POST", ECHO, {}, X_End_User_Id="somebody"), 400, "missing_customer_id")
    made = account.register()["customer_id"]
    data_of(account.ask(made, X_End_User_Id="somebody"))
    assert account.used(made) == (1, 1, 0)


def test_a_sandbox_is_an_account_of_its_own(account: Account, stranger: Account) -> None:
    def create(whose: Account, kind: str) -> tuple[int, str]:
        where = ("--account", whose.id, "--format", kind)
        done = account.server.command("key", "create", unique("key"), *where)
        return done.returncode, done.stdout.strip()

    assert create(account, "emmi-single")[0] == 0
    assert create(account, "emmi-test-single") == (2, "")
    code, secret = create(stranger, "emmi-test-multi")
    assert (code, secret[:14]) == (0, "sk_test_multi_")
    assert create(stranger, "emmi-multi") == (2, "")
    assert create(stranger, "emmi")[0] == 0
    data_of(stranger.send("POST", ECHO, [{}], key=secret, X_End_User_Id="desk-a"))
    assert [one["identifier"] for one in stranger.get("/customers")["data"]] == ["desk-a"]
    assert account.get("/customers")["data"] == []
