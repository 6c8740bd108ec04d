"""What may be used again, and for how long."""

from datetime import datetime, timedelta

import pytest

from gatepost_client import Check
from gatepost_client.cache import VerdictCache
from tests.sdk.values import NOW, allowed, check, expiring, refused


class Wall:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


def made(cache_s: float = 1.0, entries: int = 100, wall: Wall | None = None) -> VerdictCache:
    return VerdictCache(cache_s=cache_s, entries=entries, wall=wall or Wall())


def test_a_verdict_is_used_again_until_it_is_as_old_as_it_may_be() -> None:
    cache, verdict = made(1.0), allowed()
    cache.keep(check(), verdict, asked_at=10.0, now=10.4)
    assert cache.reusable(check(), 10.5) == verdict
    assert cache.reusable(check(), 10.999) == verdict
    assert cache.reusable(check(), 11.0) is None


def test_without_a_time_nothing_is_used_again() -> None:
    cache = made(0.0)
    cache.keep(check(), allowed(), asked_at=10.0, now=10.0)
    cache.keep(check("key_b"), refused("key_not_found"), asked_at=10.0, now=10.0)
    assert cache.reusable(check(), 10.0) is None
    assert cache.unknown(check("key_b"), 10.0) is None


@pytest.mark.parametrize(
    "other",
    [
        check("key_b"),
        check(scope="s"),
        check(route="/r"),
        check(customer="customer_1"),
        check(cost=2),
    ],
)
def test_a_verdict_is_about_what_was_asked_and_nothing_else(other: object) -> None:
    cache = made()
    cache.keep(check(), allowed(), asked_at=10.0, now=10.0)
    assert cache.reusable(other, 10.1) is None  # type: ignore[arg-type]  # checks, by parametrize


def test_a_refused_charge_ends_all_verdicts_of_the_key_at_once() -> None:
    cache = made()
    for one in (check(scope="a"), check(scope="b"), check("key_b")):
        cache.keep(one, allowed(), asked_at=10.0, now=10.1)
    cache.keep(check(scope="a"), refused(), asked_at=10.2, now=10.3)
    assert cache.reusable(check(scope="a"), 10.4) is None
    assert cache.reusable(check(scope="b"), 10.4) is None
    assert cache.reusable(check("key_b"), 10.4) is not None


def test_what_was_asked_before_a_refusal_came_does_not_outlive_it() -> None:
    cache = made()
    cache.keep(check(), refused(), asked_at=10.0, now=10.3)
    cache.keep(check(), allowed(), asked_at=10.2, now=10.4)
    assert cache.reusable(check(), 10.5) is None
    cache.keep(check(), allowed(), asked_at=10.35, now=10.6)
    assert cache.reusable(check(), 10.7) is not None


def test_an_older_verdict_does_not_make_a_newer_one_older() -> None:
    cache = made()
    cache.keep(check(), allowed(), asked_at=10.5, now=10.6)
    cache.keep(check(), allowed(), asked_at=10.0, now=10.7)
    assert cache.reusable(check(), 11.4) is not None
    assert cache.reusable(check(), 11.5) is None


def left(cache: VerdictCache, one: Check, now: float) -> int:
    verdict = cache.reusable(one, now)
    assert verdict is not None
    return verdict.limits[0].remaining


@pytest.mark.parametrize("first", [5, 6])
def test_of_two_verdicts_under_way_together_the_lesser_holds(first: int) -> None:
    cache = made()
    cache.keep(check(), allowed(limit=first), asked_at=10.0, now=10.3)
    cache.keep(check(), allowed(limit=11 - first), asked_at=10.1, now=10.4)
    assert left(cache, check(), 10.5) == 5
    cache.keep(check(), allowed(limit=9), asked_at=10.5, now=10.6)
    assert left(cache, check(), 10.7) == 9


def test_what_one_route_has_used_another_knows() -> None:
    cache, here, there = made(), check(route="/a"), check(route="/b")
    cache.keep(here, allowed(limit=9), asked_at=10.0, now=10.1)
    cache.keep(there, allowed(limit=3), asked_at=10.2, now=10.3)
    assert left(cache, here, 10.4) == 3


def test_a_key_is_not_used_past_its_expiry() -> None:
    wall = Wall()
    cache = made(60.0, wall=wall)
    cache.keep(check(), expiring(NOW + timedelta(seconds=5)), asked_at=10.0, now=10.0)
    wall.now += timedelta(seconds=4.9)
    assert cache.reusable(check(), 14.9) is not None
    wall.now += timedelta(seconds=0.1)
    assert cache.reusable(check(), 15.0) is None


@pytest.mark.parametrize(
    ("verdict", "cost", "times"),
    [
        (allowed(limit=3), 1, 3),
        (allowed(limit=3), 50, 3),
        (allowed(quota=100), 30, 3),
        (allowed(limit=2, quota=100), 30, 2),
        (allowed(limit=0), 1, 0),
        (allowed(quota=0), 1, 0),
    ],
)
def test_no_more_is_reused_than_is_known_to_be_left(verdict: object, cost: int, times: int) -> None:
    cache, one = made(), check(cost=cost)
    cache.keep(one, verdict, asked_at=10.0, now=10.0)  # type: ignore[arg-type]  # by parametrize
    for _ in range(times):
        assert cache.reusable(one, 10.1) is not None
        cache.reused(one)
    assert cache.reusable(one, 10.1) is None
    if times:
        cache.repaid(one)
        assert cache.reusable(one, 10.1) is not None


def test_what_is_owed_by_a_key_lowers_what_is_left_on_all_its_routes() -> None:
    cache, here, there = made(), check(route="/a"), check(route="/b")
    for one in (here, there):
        cache.keep(one, allowed(quota=2), asked_at=10.0, now=10.0)
    cache.reused(here)
    cache.reused(here)
    assert cache.reusable(there, 10.1) is None


def test_what_is_being_asked_lowers_what_is_left_too() -> None:
    cache, one = made(), check()
    cache.keep(one, allowed(limit=1), asked_at=10.0, now=10.0)
    with cache.asking(check(route="/other")):
        assert cache.reusable(one, 10.1) is None
        assert not cache.owes(one)
    assert cache.reusable(one, 10.1) is not None
    cache.reused(one)
    assert cache.owes(check(route="/other"))


def test_an_unknown_key_is_refused_again_for_as_long_and_other_refusals_are_not() -> None:
    cache, unknown = made(1.0), refused("key_not_found")
    cache.keep(check(), unknown, asked_at=10.0, now=10.1)
    assert cache.unknown(check(scope="other"), 10.9) is unknown
    assert cache.unknown(check(), 11.0) is None
    cache.keep(check("key_b"), refused("key_disabled"), asked_at=10.0, now=10.1)
    assert cache.unknown(check("key_b"), 10.2) is None


def test_it_keeps_no_more_than_it_may_and_forgets_the_longest_unused() -> None:
    cache = made(entries=2)
    for name in ("a", "b"):
        cache.keep(check(name), allowed(), asked_at=10.0, now=10.0)
    cache.reusable(check("a"), 10.1)
    cache.keep(check("c"), allowed(), asked_at=10.1, now=10.1)
    kept = [name for name in "abc" if cache.reusable(check(name), 10.2)]
    assert kept == ["a", "c"]


def test_a_flood_of_unknown_keys_does_not_push_out_the_known_ones() -> None:
    cache = made(entries=10)
    cache.keep(check("good"), allowed(), asked_at=10.0, now=10.0)
    for number in range(100):
        unknown = check(f"guess_{number}")
        cache.keep(unknown, refused("key_not_found"), asked_at=10.0, now=10.0)
    assert cache.reusable(check("good"), 10.1) is not None


def test_no_key_is_kept_in_the_clear() -> None:
    cache = made()
    cache.keep(check("key_secret"), allowed(), asked_at=10.0, now=10.0)
    cache.reused(check("key_secret"))
    parts = (cache, cache._allowed, cache._refused, cache._room, cache._room.owed)
    assert "key_secret" not in repr([vars(part) for part in parts])
