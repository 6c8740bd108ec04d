"""When a sending domain is looked at again, and whose domain an address is of."""

import msgspec
import pytest

from gatepost.base.clock import DAY_MS, HOUR_MS
from gatepost.base.ids import AccountId, DomainId
from gatepost.domains.emaildomains import model
from gatepost.domains.emaildomains.model import (
    REQUIRED,
    Finding,
    Purpose,
    RecordStatus,
    SendingDomain,
)

NOW = 1_795_000_000_000
GOOD = dict.fromkeys(REQUIRED, Finding(RecordStatus.OK))
BAD = GOOD | {Purpose.SPF: Finding(RecordStatus.MISSING)}
NEW = SendingDomain(
    account_id=AccountId(bytes(16)),
    id=DomainId(bytes(16)),
    name="news.example.com",
    selector="gatepost",
    label="bounce",
    public_key="",
    private_key=b"",
    created_at=NOW,
    updated_at=NOW,
)


def test_a_new_one_is_looked_at_hourly_for_three_days() -> None:
    assert model.planned(NEW, NOW).check_at == NOW + HOUR_MS
    second = model.checked(NEW, BAD, NOW + DAY_MS)
    assert second.check_at == NOW + DAY_MS + HOUR_MS
    third = model.checked(second, BAD, NOW + 3 * DAY_MS)
    assert third.check_at == NOW + 4 * DAY_MS


def test_a_verified_one_is_looked_at_daily_and_hourly_again_once_it_was_withdrawn() -> None:
    verified = model.checked(NEW, GOOD, NOW + HOUR_MS)
    assert (verified.verified_at, verified.check_at) == (NOW + HOUR_MS, NOW + HOUR_MS + DAY_MS)
    later = NOW + 30 * DAY_MS
    same = model.checked(verified, GOOD, later)
    assert (same.verified_at, same.check_at) == (NOW + HOUR_MS, later + DAY_MS)
    withdrawn = model.checked(same, BAD, later + DAY_MS)
    assert (withdrawn.verified_at, withdrawn.check_at) == (None, later + DAY_MS + HOUR_MS)


def test_one_that_is_only_trusted_is_not_looked_at() -> None:
    trusted = msgspec.structs.replace(NEW, trusted=True)
    assert model.planned(trusted, NOW).check_at is None
    assert trusted.may_send
    verified = model.checked(trusted, GOOD, NOW)
    assert verified.check_at == NOW + DAY_MS


def test_dmarc_verifies_nothing() -> None:
    assert model.passes(GOOD)
    assert not model.passes({Purpose.DMARC: Finding(RecordStatus.OK)})
    assert not model.passes({})


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("ada@Example.COM", "example.com"),
        ("ada@example.com.", "example.com"),
        ('"a@b"@example.com', "example.com"),
        ("ada@mail.example.com", "mail.example.com"),
        ("ada", None),
        ("@example.com", None),
        ("ada@", None),
        ("ada@localhost", None),
        ("ada@[192.0.2.1]", None),
        ("ada@exämple.com", None),
        ("ada@example.com\n", "example.com"),
        ("ada@exa mple.com", None),
    ],
)
def test_the_domain_of_an_address(address: str, name: str | None) -> None:
    assert model.domain_of(address) == name
