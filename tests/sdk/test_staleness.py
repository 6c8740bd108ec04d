"""What the cache promises: how old a verdict may be, and what is charged in the end."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Self

import httpx2
import pytest

from gatepost_client import Limit, MintedKey, Quota
from tests.sdk.keeper import Keeper
from tests.sdk.site import Api, Site
from tests.waiting import wait_for

CACHE_S = 0.5
LONG_S = 600
ROUND_TRIP_S = 3.0
"""More than a round trip takes on a machine that has a lot to do."""


@pytest.fixture(scope="module")
def site(keeper: Keeper) -> Iterator[Site]:
    with Site(Api().app(**keeper.options, cache_s=CACHE_S)) as running:
        yield running


@pytest.fixture(scope="module")
def patient(keeper: Keeper) -> Iterator[Site]:
    """An app whose verdicts end only if Gatepost says so."""
    with Site(Api().app(**keeper.options, cache_s=LONG_S)) as running:
        yield running


def passes(site: Site, minted: MintedKey) -> bool:
    return site.get("/orders/7", minted.secret).status_code == 200


class Stream:
    """A user who asks without a pause, and notes what each request was answered, and when it was
    sent.
    """

    def __init__(self, site: Site, minted: MintedKey) -> None:
        self.answers: list[tuple[float, int]] = []
        self._site, self._minted = site, minted
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._ask)

    def __enter__(self) -> Self:
        self._thread.start()
        wait_for(lambda: len(self.answers) > 20, "a few answers")
        return self

    def __exit__(self, *_exc: object) -> None:
        self._ended.set()
        self._thread.join()

    def sees(self, status: int) -> None:
        wait_for(lambda: self.answers[-1][1] == status, f"an answer of {status}")

    def _ask(self) -> None:
        while not self._ended.is_set():
            sent = time.monotonic()
            status = self._site.get("/orders/7", self._minted.secret).status_code
            self.answers.append((sent, status))


END = {
    "deleted": lambda keeper, key: keeper.client.delete_key(key.id),
    "disabled": lambda keeper, key: keeper.client.update_key(key.id, enabled=False),
    "rotated": lambda keeper, key: keeper.client.rotate_key(key.id),
}


@pytest.mark.parametrize("how", END)
def test_a_key_that_ended_is_noticed_within_the_bound(site: Site, keeper: Keeper, how: str) -> None:
    minted = keeper.key()
    with Stream(site, minted) as stream:
        END[how](keeper, minted.key)
        ended = time.monotonic()
        stream.sees(401)
    late = [sent - ended for sent, status in stream.answers if status == 200 and sent > ended]
    assert max(late, default=0) < CACHE_S + ROUND_TRIP_S
    first = next(at for at, (_, status) in enumerate(stream.answers) if status == 401)
    assert {status for _, status in stream.answers[first:]} == {401}


def test_an_idle_keys_verdict_does_not_outlive_the_bound(site: Site, keeper: Keeper) -> None:
    minted = keeper.key()
    assert passes(site, minted)
    checked = time.monotonic()
    keeper.client.delete_key(minted.key.id)
    wait_for(lambda: time.monotonic() > checked + CACHE_S, "the end of the bound")
    assert not passes(site, minted)


def test_a_charge_that_is_refused_ends_the_verdict_at_once(patient: Site, keeper: Keeper) -> None:
    """Also where it could have been used for ten minutes more."""
    minted = keeper.key()
    assert passes(patient, minted)
    keeper.client.update_key(minted.key.id, enabled=False)
    before = time.monotonic()
    wait_for(lambda: not passes(patient, minted), "the refusal")
    assert time.monotonic() - before < LONG_S / 10


def test_every_reuse_is_charged(patient: Site, keeper: Keeper) -> None:
    minted = keeper.key(quota=Quota(1_000_000, "month"))
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: passes(patient, minted), range(500)))
    assert all(answers)
    wait_for(lambda: keeper.used(minted.secret) == 500, "the last charge")


ROUTES = ("/orders/7", "/sub/a", "/nowhere")


@pytest.mark.parametrize("clients", [1, 24])
def test_one_process_grants_a_quota_exactly_also_from_its_cache(
    patient: Site, keeper: Keeper, clients: int
) -> None:
    """Whichever routes it is used on, and however many ask at once."""
    minted = keeper.key(quota=Quota(200, "month"))
    with ThreadPoolExecutor(clients) as pool:
        paths = [ROUTES[at % len(ROUTES)] for at in range(300)]
        answers = pool.map(lambda path: patient.get(path, minted.secret).status_code, paths)
        refused = [status == 429 for status in answers]
    assert refused.count(False) == 200
    assert keeper.used(minted.secret) == 200


def test_a_limit_is_held_by_one_process_also_from_its_cache(patient: Site, keeper: Keeper) -> None:
    minted = keeper.key(limits=[Limit(20, 3600)])
    granted = [passes(patient, minted) for _ in range(30)]
    assert granted == [True] * 20 + [False] * 10


def test_what_was_charged_elsewhere_is_noticed(patient: Site, keeper: Keeper) -> None:
    """Two processes, each with a cache: what they grant too much is what was on its way."""
    minted = keeper.key(quota=Quota(100, "month"))
    with Site(Api().app(**keeper.options, cache_s=LONG_S, pending_max=5)) as other:
        granted = [passes(site, minted) for _ in range(80) for site in (patient, other)]
    assert 100 <= granted.count(True) <= 150
    assert not any(granted[-2:])
    wait_for(lambda: keeper.used(minted.secret) == 100, "the last charge")


def test_without_a_cache_a_quota_is_granted_exactly(keeper: Keeper) -> None:
    minted = keeper.key(quota=Quota(200, "month"))
    options: dict[str, Any] = keeper.options | {"cache_s": 0}
    with (
        Site(Api().app(**options)) as one,
        Site(Api().app(**options)) as two,
        ThreadPoolExecutor(64) as pool,
    ):
        granted = list(pool.map(lambda at: passes((one, two)[at % 2], minted), range(320)))
    assert granted.count(True) == 200
    assert keeper.used(minted.secret) == 200


def test_without_a_cache_a_revoked_key_is_refused_at_once(keeper: Keeper) -> None:
    minted = keeper.key()
    with Site(Api().app(**keeper.options, cache_s=0)) as site:
        assert passes(site, minted)
        keeper.client.delete_key(minted.key.id)
        assert not passes(site, minted)


def test_a_refusal_is_not_used_again(patient: Site, keeper: Keeper) -> None:
    """Except that there is no such key."""
    minted = keeper.key()
    keeper.client.update_key(minted.key.id, enabled=False)
    assert not passes(patient, minted)
    keeper.client.update_key(minted.key.id, enabled=True)
    assert passes(patient, minted)


@pytest.mark.parametrize("lifespan", ["auto", "off"])
def test_what_is_owed_is_charged_before_the_app_ends(keeper: Keeper, lifespan: str) -> None:
    minted = keeper.key(quota=Quota(1_000_000, "month"))
    site = Site(Api().app(**keeper.options, cache_s=LONG_S), lifespan=lifespan)
    with site, httpx2.Client(trust_env=False, verify=False) as http:
        named = {"Authorization": f"Bearer {minted.secret}"}
        for _ in range(50):
            assert http.get(f"http://{site.address}/orders/7", headers=named).is_success
    assert keeper.used(minted.secret) == 50
