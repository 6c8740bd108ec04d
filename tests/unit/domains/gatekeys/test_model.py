"""Rules of gate keys: secrets, scopes, periods of quotas."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepost.base.ids import GateKeyId
from gatepost.base.periods import Bucket
from gatepost.domains.gatekeys import model
from gatepost.domains.gatekeys.model import GateQuota

PREFIXES = st.from_regex(model.PREFIX, fullmatch=True)
ZONES = st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kolkata", "America/St_Johns"])


@given(PREFIXES)
def test_a_minted_secret_is_well_formed_and_a_mistyped_one_is_not(prefix: str) -> None:
    secret = model.mint(prefix)
    assert model.well_formed(secret)
    assert model.start_of(secret) == secret[: len(prefix) + 5]
    for at in range(len(prefix) + 1, len(secret)):
        other = "a" if secret[at] != "a" else "b"
        assert not model.well_formed(secret[:at] + other + secret[at + 1 :])


@pytest.mark.parametrize("secret", ["", "_", "key_", "gp_live_" + "x" * 64, "Key_" + "x" * 32])
def test_what_was_never_minted_is_not_well_formed(secret: str) -> None:
    assert not model.well_formed(secret)


@given(st.lists(st.from_regex(model.SCOPE, fullmatch=True), max_size=5), st.text(max_size=20))
def test_a_scope_is_granted_by_its_name_or_its_beginning(scopes: list[str], asked: str) -> None:
    named = any(one == asked for one in scopes)
    begun = any(one.endswith("*") and asked.startswith(one[:-1]) for one in scopes)
    assert model.grant(scopes).holds(asked) == (named or begun)


@given(ZONES, st.sampled_from([Bucket.DAY, Bucket.MONTH]), st.integers(0, 4_000_000_000_000))
def test_a_quotas_period_is_the_day_or_month_of_its_zone(
    zone: str, period: Bucket, now: int
) -> None:
    start, end = GateQuota(limit=1, period=period, timezone=zone).bounds(now)
    assert start <= now < end

    def place(at: int) -> tuple[int, ...]:
        local = datetime.fromtimestamp(at / 1000, ZoneInfo(zone))
        whole = (local.year, local.month)
        return whole if period is Bucket.MONTH else (*whole, local.day)

    assert place(start) == place(now) == place(end - 1)
    assert place(start - 1) < place(now) < place(end)


def test_another_period_is_another_counter() -> None:
    key_id = GateKeyId(bytes(16))
    names = {model.slot_name(key_id, GateQuota(limit=1, period=one)) for one in Bucket}
    assert len(names) == len(Bucket)
