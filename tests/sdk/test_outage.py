"""What happens while Gatepost gives no answers."""

import logging
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from gatepost_client import MintedKey, Quota
from tests.ports import free_port
from tests.proxy import Ambush, Proxy
from tests.sdk.keeper import Keeper
from tests.sdk.site import Api, Site
from tests.waiting import wait_for

TIMEOUT_S = 0.5


@pytest.fixture
def road(keeper: Keeper) -> Iterator[Proxy]:
    """The road to Gatepost, which can be spoilt."""
    with Proxy(urlsplit(keeper.server.address).port or 0) as proxy:
        yield proxy


def options(keeper: Keeper, road: Proxy, **more: Any) -> dict[str, Any]:
    return keeper.options | {"url": f"http://127.0.0.1:{road.port}"} | more


@pytest.fixture
def minted(keeper: Keeper) -> MintedKey:
    return keeper.key(quota=Quota(1_000_000, "month"))


def status(site: Site, minted: MintedKey) -> int:
    return site.get("/orders/7", minted.secret).status_code


def test_nobody_passes_and_the_log_says_why_without_secrets(
    keeper: Keeper, minted: MintedKey, caplog: pytest.LogCaptureFixture
) -> None:
    nowhere = keeper.options | {"url": f"http://127.0.0.1:{free_port()}"}
    with caplog.at_level(logging.DEBUG, "gatepost_client"), Site(Api().app(**nowhere)) as site:
        for _ in range(3):
            answer = site.get("/orders/7", minted.secret)
            assert (answer.status_code, answer.json()["code"]) == (503, "gate_unavailable")
            assert answer.headers["retry-after"] == "1"
    told = [one.getMessage() for one in caplog.records if one.name == "gatepost_client"]
    assert told == ["Gatepost gives no verdicts: no answer (ConnectError)"]
    assert minted.secret not in caplog.text
    assert keeper.api_key not in caplog.text


def test_an_app_may_let_them_pass_unverified(keeper: Keeper, minted: MintedKey) -> None:
    nowhere = keeper.options | {"url": f"http://127.0.0.1:{free_port()}"}
    with Site(Api().app(**nowhere, on_unavailable="allow")) as site:
        answer = site.get("/orders/7", minted.secret)
        assert answer.json() == {"verified": False, "key": None, "metadata": None, "customer": None}
        assert site.get("/orders/7").status_code == 401


def test_a_silent_gatepost_is_waited_for_no_longer_than_said(
    keeper: Keeper, road: Proxy, minted: MintedKey, caplog: pytest.LogCaptureFixture
) -> None:
    app = Api().app(**options(keeper, road, timeout_s=TIMEOUT_S, cache_s=0))
    with caplog.at_level(logging.WARNING), Site(app) as site:
        wait_for(lambda: status(site, minted) == 200, "an answer in time")
        with road.stalled():
            before = time.monotonic()
            assert status(site, minted) == 503
            assert time.monotonic() - before < TIMEOUT_S * 10
        wait_for(lambda: status(site, minted) == 200, "answers again")
    assert "Gatepost gives verdicts again" in caplog.text
    assert minted.secret not in caplog.text


def test_a_known_key_passes_through_a_short_outage_and_is_charged_after_it(
    keeper: Keeper, road: Proxy, minted: MintedKey
) -> None:
    with Site(Api().app(**options(keeper, road, cache_s=600))) as site:
        assert status(site, minted) == 200
        with road.cut():
            assert [status(site, minted) for _ in range(30)] == [200] * 30
            assert keeper.used(minted.secret) == 1
        wait_for(lambda: keeper.used(minted.secret) == 31, "the charges")


def test_an_outage_longer_than_the_bound_ends_what_was_known(
    keeper: Keeper, road: Proxy, minted: MintedKey
) -> None:
    with Site(Api().app(**options(keeper, road, cache_s=0.5))) as site:
        wait_for(lambda: status(site, minted) == 200, "an answer")
        with road.cut():
            wait_for(lambda: status(site, minted) == 503, "the end of what is known")
        wait_for(lambda: status(site, minted) == 200, "answers again")


def test_a_lost_answer_does_not_charge_a_reuse_twice(
    keeper: Keeper, road: Proxy, minted: MintedKey
) -> None:
    with Site(Api().app(**options(keeper, road, cache_s=600))) as site:
        assert status(site, minted) == 200
        road.ambush(Ambush(word=b"Idempotency-Key", answer=b'"allowed"'))
        assert [status(site, minted) for _ in range(20)] == [200] * 20
        wait_for(lambda: road.ambushed is None, "the lost answer")
        wait_for(lambda: keeper.used(minted.secret) >= 21, "the charges")
    assert keeper.used(minted.secret) == 21


def test_no_more_is_owed_than_may_be(keeper: Keeper, road: Proxy, minted: MintedKey) -> None:
    """From then on requests wait for a verdict of their own, which does not come here."""
    app = Api().app(**options(keeper, road, cache_s=600, pending_max=10, timeout_s=TIMEOUT_S))
    with Site(app) as site:
        wait_for(lambda: status(site, minted) == 200, "an answer in time")
        with road.stalled():
            seen = [status(site, minted) for _ in range(12)]
            assert seen == [200] * 10 + [503] * 2


def test_what_cannot_be_charged_at_the_end_is_told(
    keeper: Keeper, road: Proxy, minted: MintedKey, caplog: pytest.LogCaptureFixture
) -> None:
    app = Api().app(**options(keeper, road, cache_s=600, timeout_s=TIMEOUT_S))
    with caplog.at_level(logging.WARNING):
        site = Site(app)
        with site:
            wait_for(lambda: status(site, minted) == 200, "an answer in time")
            with road.stalled():
                assert status(site, minted) == 200
                before = time.monotonic()
                site.stop()
                assert time.monotonic() - before < TIMEOUT_S * 10
    assert "1 reused verdicts were not charged at the end" in caplog.text
    assert minted.secret not in caplog.text
