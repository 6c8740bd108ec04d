"""The conformance vectors, under every prefix."""

import uuid

import httpx2
import pytest

from tests.dialects.emmi.wire import NOBODY, Account, an_entity, data_of, refused, without_id
from tests.server import Server, unique


def test_1_a_customer_is_registered(anywhere: Account) -> None:
    made = anywhere.register("desk-a")
    assert str(uuid.UUID(made["customer_id"])) == made["customer_id"]
    assert list(made) == [
        *("customer_id", "id", "identifier", "name", "metadata", "status"),
        *("created_at", "updated_at"),
    ]  # fmt: skip
    assert made["id"] == made["customer_id"]
    assert (made["identifier"], made["name"], made["status"]) == ("desk-a", "desk-a", "active")


def test_2_and_not_twice(anywhere: Account) -> None:
    made = anywhere.register("desk-a")
    answer = anywhere.send("POST", "/customers", {"identifier": "desk-a"})
    assert refused(answer, 409, "customer_already_exists")["existing"] == made


def test_3_another_account_may_use_the_identifier(anywhere: Account, stranger: Account) -> None:
    mine, theirs = anywhere.register("desk-a"), stranger.register("desk-a")
    assert mine["customer_id"] != theirs["customer_id"]


def test_4_a_data_request_is_counted(anywhere: Account) -> None:
    customer = anywhere.register()["customer_id"]
    assert anywhere.used(customer) == (0, 0, 0)
    body = data_of(anywhere.ask(customer, [an_entity(year=2025)]))
    assert body["data"] == [an_entity(year=2025)]
    assert body["units"] == 1
    assert anywhere.used(customer) == (1, 1, 0)


def test_5_a_key_is_needed(anywhere: Account) -> None:
    customer = anywhere.register()["customer_id"]
    refused(anywhere.ask(customer, key=None), 401, "missing_api_key")


def test_6_a_customer_is_needed(anywhere: Account) -> None:
    refused(anywhere.ask(None), 400, "missing_customer_id")
    refused(anywhere.ask(""), 400, "missing_customer_id")


def test_7_a_strangers_customer_is_none(anywhere: Account, stranger: Account) -> None:
    theirs = stranger.register()["customer_id"]
    foreign, unknown = anywhere.ask(theirs), anywhere.ask(NOBODY)
    refused(foreign, 404, "customer_not_found")
    assert without_id(foreign) == without_id(unknown)
    assert set(foreign.headers) == set(unknown.headers)
    assert stranger.used(theirs) == (0, 0, 0)


def test_8_the_identifier_is_no_id(anywhere: Account) -> None:
    made = anywhere.register("desk-a")
    bare = made["customer_id"].replace("-", "")
    for text in ("desk-a", bare, f"{{{made['customer_id']}}}", f"customer_{bare}"):
        refused(anywhere.ask(text), 400, "invalid_customer_id")
    assert data_of(anywhere.ask(made["customer_id"].upper()))


def test_9_managing_needs_no_customer(anywhere: Account) -> None:
    made = anywhere.register()
    assert anywhere.get("/customers")["data"] == [made]
    for ignored in ("desk-a", NOBODY):
        assert data_of(anywhere.send("GET", "/customers", customer=ignored))["data"] == [made]


def test_10_the_prefixes_lead_to_the_same(account: Account) -> None:
    made, turn = account.register(), unique("turn")
    first = data_of(account.ask(made["customer_id"], Idempotency_Key=turn))
    for prefix in ("/v1/api/v1", "/api/v1"):
        account.prefix = prefix
        assert account.get(f"/customers/{made['customer_id']}") == made
        again = account.ask(made["customer_id"], Idempotency_Key=turn)
        assert again.headers["x-idempotent-replay"] == "true"
        assert data_of(again) == first
    assert account.used(made["customer_id"]) == (1, 1, 0)


def test_11_entities_are_units(anywhere: Account) -> None:
    customer = anywhere.register()["customer_id"]
    assert data_of(anywhere.ask(customer, [an_entity() for _ in range(7)]))["units"] == 7
    assert anywhere.used(customer) == (1, 7, 0)
    assert data_of(anywhere.ask(customer, an_entity()))["units"] == 1
    assert anywhere.used(customer) == (2, 8, 0)


@pytest.mark.parametrize("length", [71, 73])
def test_13_a_key_of_the_wrong_length(anywhere: Account, length: int) -> None:
    secret = ("emmi_sk_" + "a" * 80)[:length]
    refused(anywhere.send("GET", "/customers", key=secret), 401, "invalid_api_key")


def test_13_what_can_be_no_key_is_not_looked_up(
    tmp_path_factory: pytest.TempPathFactory, http: httpx2.Client
) -> None:
    """Where keys cannot be looked up, only a key that might be one makes it known."""
    with Server(tmp_path_factory.mktemp("no-keys") / "data") as broken:
        account = Account(broken, http)
        broken.query("ALTER TABLE key_secrets RENAME TO key_secrets_elsewhere")
        letters = "aB3-_" * 16
        refused(
            account.send("GET", "/customers", key=f"emmi_sk_{letters[:64]}"), 500, "internal_error"
        )
        for secret in (
            f"emmi_sk_{letters[:63]}",
            f"emmi_sk_{letters[:65]}",
            f"emmi_sk_{letters[:63]}!",
            f"EMMI_SK_{letters[:64]}",
            "sk_live_single_4n8jKmPqRs9uVw_8f1c",
            "gp_live_short",
            "nonsense",
        ):
            refused(account.send("GET", "/customers", key=secret), 401, "invalid_api_key")
        broken.query("ALTER TABLE key_secrets_elsewhere RENAME TO key_secrets")
        assert account.get("/customers")["data"] == []
