"""The client against the real program."""

from datetime import UTC, datetime, timedelta

import pytest

from gatepost_client import (
    AsyncGateClient,
    Check,
    GateClient,
    Limit,
    Quota,
    Reason,
    RefusedError,
    UnavailableError,
)
from tests.ports import free_port
from tests.sdk.keeper import Keeper
from tests.server import Key, unique


def test_a_key_is_made_checked_changed_and_ended(keeper: Keeper) -> None:
    client, until = keeper.client, datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
    minted = client.create_key(
        unique("Ada"),
        prefix="acme",
        scopes=["estimates:*"],
        limits=[Limit(10, 60)],
        quota=Quota(100, "month", "Europe/Berlin"),
        metadata={"plan": "gold"},
        expires_at=until,
    )
    key = minted.key
    assert minted.secret.startswith("acme_")
    assert client.get_key(key.id) == key
    assert (key.scopes, key.limits) == (("estimates:*",), (Limit(10, 60),))
    assert (key.quota, key.expires_at) == (Quota(100, "month", "Europe/Berlin"), until)

    verdict = client.check(Check(minted.secret, "estimates:write", "POST /estimates", 3))
    assert verdict.allowed
    assert verdict.key is not None
    assert (verdict.key.id, verdict.key.metadata) == (key.id, {"plan": "gold"})
    assert verdict.key.expires_at == until
    assert [(one.limit, one.remaining) for one in verdict.limits] == [(10, 9)]
    assert [(one.limit, one.remaining) for one in verdict.quotas] == [(100, 97)]
    assert verdict.tightest == verdict.limits[0]

    assert not client.update_key(key.id, enabled=False, scopes=["a"]).enabled
    assert client.check(Check(minted.secret)).reason == Reason.KEY_DISABLED
    client.update_key(key.id, enabled=True)
    assert client.check(Check(minted.secret, "b")).reason == Reason.SCOPE_MISSING

    rotated = client.rotate_key(key.id)
    assert client.check(Check(minted.secret)).reason == Reason.KEY_NOT_FOUND
    assert client.check(Check(rotated.secret, "a")).allowed
    client.delete_key(key.id)
    assert client.check(Check(rotated.secret)).reason == Reason.KEY_NOT_FOUND


def test_keys_are_listed_page_by_page(keeper: Keeper) -> None:
    made = {keeper.key().key.id for _ in range(3)}
    found, cursor = set(), None
    while True:
        page = keeper.client.list_keys(cursor=cursor)
        found |= {one.id for one in page.keys}
        if page.next_cursor is None:
            break
        cursor = page.next_cursor
    assert made <= found


def test_a_batch_is_answered_in_order(keeper: Keeper) -> None:
    minted = keeper.key(quota=Quota(2, "day"), scopes=["a"])
    checks = [Check(minted.secret, "a"), Check("nobody"), *[Check(minted.secret, "a")] * 2]
    verdicts = keeper.client.check_batch(checks)
    assert [one.reason for one in verdicts] == [
        None,
        Reason.KEY_NOT_FOUND,
        None,
        Reason.QUOTA_EXCEEDED,
    ]
    assert verdicts[3].retry_after_s is not None


def test_the_same_check_is_charged_once_and_a_dry_one_never(keeper: Keeper) -> None:
    minted = keeper.key(quota=Quota(100, "day"))
    once = unique("once")
    for _ in range(3):
        assert keeper.client.check(Check(minted.secret, cost=5), once=once).allowed
        assert keeper.client.check(Check(minted.secret, cost=5, dry_run=True)).allowed
    assert keeper.used(minted.secret) == 5


async def test_both_clients_do_the_same(keeper: Keeper) -> None:
    full = keeper.tenant.key.secret
    async with AsyncGateClient(keeper.server.address, full, timeout_s=10) as client:
        minted = await client.create_key(unique("Bo"), quota=Quota(10, "day"))
        key_id = minted.key.id
        assert (await client.check(Check(minted.secret))).allowed
        assert len(await client.check_batch([Check(minted.secret)] * 3)) == 3
        assert (await client.get_key(key_id)).id == key_id
        assert key_id in {one.id for one in (await client.list_keys()).keys}
        assert (await client.update_key(key_id, name="Bob")).name == "Bob"
        assert (await client.rotate_key(key_id, grace_s=60)).key.id == key_id
        assert keeper.used(minted.secret) == 4
        await client.delete_key(key_id)
        with pytest.raises(RefusedError) as refused:
            await client.get_key(key_id)
    assert (refused.value.status, refused.value.code) == (404, "not_found")
    assert refused.value.request_id


def test_a_key_that_may_not_check_is_refused(keeper: Keeper, reader: Key) -> None:
    with (
        GateClient(keeper.server.address, reader.secret, timeout_s=10) as client,
        pytest.raises(RefusedError) as refused,
    ):
        client.check(Check("key"))
    assert (refused.value.status, refused.value.code) == (403, "forbidden")


@pytest.fixture
def reader(keeper: Keeper) -> Key:
    tenant = keeper.tenant
    return keeper.server.make_key(tenant.account, tenant.project, scope="events:read")


def test_no_answer_is_told_without_secrets() -> None:
    with (
        GateClient(f"http://127.0.0.1:{free_port()}", "gp_secret") as client,
        pytest.raises(UnavailableError, match=r"no answer \(ConnectError\)") as raised,
    ):
        client.check(Check("key_secret"))
    error: BaseException | None = raised.value
    while error is not None:
        assert "secret" not in repr(error)
        error = error.__cause__ or error.__context__


def test_what_is_not_gatepost_is_not_believed(keeper: Keeper) -> None:
    with (
        GateClient(f"{keeper.server.address}/elsewhere", keeper.api_key) as client,
        pytest.raises((UnavailableError, RefusedError)),
    ):
        client.check(Check("key"))


@pytest.mark.parametrize(
    ("url", "api_key"),
    [
        ("ftp://x", "gp_secret"),
        ("127.0.0.1:8080", "gp_secret"),
        ("http://", "gp_secret"),
        ("http://user:secret@x", "gp_secret"),
        ("http://x", "gp_secret\n"),
        ("http://x", "gp_secret é"),
        ("http://x", ""),
    ],
)
def test_what_cannot_work_is_refused_at_once(url: str, api_key: str) -> None:
    with pytest.raises(ValueError, match=r"Gatepost|API key") as refused:
        GateClient(url, api_key)
    assert "secret" not in str(refused.value)


def test_a_batch_has_a_size(keeper: Keeper) -> None:
    for checks in ([], [Check("key")] * 101):
        with pytest.raises(ValueError, match="1 to 100 checks"):
            keeper.client.check_batch(checks)


def test_secrets_are_not_shown(keeper: Keeper) -> None:
    minted = keeper.key()
    assert minted.secret not in repr(minted)
    assert minted.secret not in repr(Check(minted.secret))
