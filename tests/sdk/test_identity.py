"""Who the relay says that calls: believed only with its signature."""

import hashlib
import hmac
import time

import pytest

from gatepost_client import Identity, IdentityError, verify_identity

SECRET = "relay-secret"
TARGET = "/estimates?unit=kg"


def signed(secret: str = SECRET, age_s: int = 0, **changes: str) -> dict[str, str]:
    """Headers as the relay sends them, changed after they were signed."""
    given = {
        "Timestamp": str(int(time.time()) - age_s),
        "Account": "account_1",
        "Key": "key_1",
        "Customer": "customer_1",
        "Request-Id": "request_1",
    } | {name: value for name, value in changes.items() if name == "Customer"}
    named = [given[name] for name in ("Account", "Key", "Customer", "Request-Id")]
    text = "\n".join([given["Timestamp"], "POST", TARGET, *named])
    digest = hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()
    given |= {"Signature": f"v1={digest}"} | changes
    return {f"X-Gatepost-{name}": value for name, value in given.items() if value}


def test_a_signed_caller_is_known() -> None:
    identity = verify_identity(signed(), "POST", TARGET, SECRET)
    assert identity == Identity("account_1", "key_1", "customer_1", "request_1", identity.timestamp)
    assert abs(identity.timestamp - time.time()) < 60


def test_names_come_in_any_case_and_as_the_pairs_of_a_scope() -> None:
    headers = signed()
    lower = {name.lower(): value for name, value in headers.items()}
    pairs = [(name.encode(), value.encode()) for name, value in lower.items()]
    wanted = verify_identity(headers, "POST", TARGET, SECRET)
    assert verify_identity(lower, "POST", TARGET, SECRET.encode()) == wanted
    assert verify_identity(pairs, "post", TARGET, SECRET) == wanted


def test_a_caller_may_have_no_customer() -> None:
    assert verify_identity(signed(Customer=""), "POST", TARGET, SECRET).customer is None


@pytest.mark.parametrize("name", ["Account", "Key", "Customer"])
def test_what_was_changed_on_the_way_is_not_believed(name: str) -> None:
    headers = signed()
    headers[f"X-Gatepost-{name}"] = "another"
    with pytest.raises(IdentityError, match="does not fit"):
        verify_identity(headers, "POST", TARGET, SECRET)


@pytest.mark.parametrize(
    ("method", "target", "secret"),
    [("GET", TARGET, SECRET), ("POST", "/estimates", SECRET), ("POST", TARGET, "guess")],
)
def test_it_is_signed_for_one_request_with_one_secret(
    method: str, target: str, secret: str
) -> None:
    with pytest.raises(IdentityError, match="does not fit"):
        verify_identity(signed(), method, target, secret)


@pytest.mark.parametrize("age_s", [301, -302])
def test_it_holds_for_some_time_only(age_s: int) -> None:
    with pytest.raises(IdentityError, match="too old"):
        verify_identity(signed(age_s=age_s), "POST", TARGET, SECRET)
    patient = verify_identity(signed(age_s=age_s), "POST", TARGET, SECRET, tolerance_s=400)
    assert patient.account == "account_1"


@pytest.mark.parametrize("name", ["Account", "Key", "Request-Id", "Timestamp", "Signature"])
def test_nothing_may_be_missing(name: str) -> None:
    headers = signed()
    del headers[f"X-Gatepost-{name}"]
    with pytest.raises(IdentityError, match="is missing"):
        verify_identity(headers, "POST", TARGET, SECRET)


def test_a_header_that_came_twice_is_not_believed() -> None:
    pairs = [(name.encode(), value.encode()) for name, value in signed().items()]
    with pytest.raises(IdentityError, match="twice"):
        verify_identity([*pairs, (b"x-gatepost-key", b"key_1")], "POST", TARGET, SECRET)


def test_an_empty_secret_believes_nobody() -> None:
    with pytest.raises(IdentityError, match="empty"):
        verify_identity(signed(""), "POST", TARGET, "")


@pytest.mark.parametrize("timestamp", ["1e9", "-5", "²", "0x10"])
def test_a_time_is_a_number(timestamp: str) -> None:
    with pytest.raises(IdentityError):
        verify_identity(signed(Timestamp=timestamp), "POST", TARGET, SECRET)
