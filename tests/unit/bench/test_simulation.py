"""Laws that any simulation of a site must keep, whatever the costs."""

import msgspec
import pytest

from bench.simulation import GROUP_MAX, Prices, Site, simulate

PRICES = Prices(
    loop_request=100e-6,
    loop_trip=200e-6,
    thread_request=30e-6,
    thread_commit=1000e-6,
    database_request=20e-6,
    database_commit=500e-6,
    valkey_request=3e-6,
    valkey_trip=50e-6,
    index_worker=80e-6,
    index_database=60e-6,
    rounds=11,
)
SITE = Site(processes=1, database_cores=16, sync_s=0.001, trip_s=0.0002, prices=PRICES)


def site(**changes: object) -> Site:
    return msgspec.structs.replace(SITE, **changes)


def test_the_same_site_has_the_same_outcome() -> None:
    assert simulate(SITE) == simulate(SITE)


def test_a_lonely_request_takes_the_time_of_its_parts() -> None:
    lonely = simulate(site(connections=1, index=False), 0.2, 2)
    work = sum(
        (
            PRICES.loop_request + PRICES.loop_trip,
            PRICES.thread_request + PRICES.thread_commit,
            PRICES.database_request + PRICES.database_commit,
            PRICES.valkey_request + PRICES.valkey_trip,
        )
    )
    ways = SITE.trip_s * (PRICES.rounds + 1)
    assert lonely.group == 1
    assert lonely.p50_ms == pytest.approx((work + ways + SITE.sync_s) * 1e3, rel=0.1)


@pytest.mark.parametrize("connections", [1, 8, 64, 256])
@pytest.mark.parametrize("keys", [1, 1_000_000])
def test_nobody_is_lost(connections: int, keys: int) -> None:
    """Little's law: those who wait or travel are as many as there are connections."""
    one = simulate(site(connections=connections, keys=keys), 0.5, 2)
    mean_s = connections / one.per_s - SITE.trip_s
    assert one.p50_ms / 1e3 == pytest.approx(mean_s, rel=0.35)


def test_groups_grow_with_the_load() -> None:
    groups = [simulate(site(connections=count)).group for count in (1, 8, 64, 256)]
    assert groups == sorted(groups)
    assert groups[0] == 1
    assert groups[-1] <= GROUP_MAX


def test_a_process_has_one_core() -> None:
    one = simulate(SITE)
    least = PRICES.loop_request + PRICES.thread_request + PRICES.thread_commit / one.group
    assert 0.9 < one.used["processes"] <= 1.001
    assert one.per_s < 1 / least


def test_processes_add_up_where_nothing_is_shared() -> None:
    one, four = (simulate(site(processes=count, index=False)).per_s for count in (1, 4))
    assert four == pytest.approx(4 * one, rel=0.1)


def test_a_row_that_all_count_in_makes_commits_wait_for_each_other() -> None:
    many, one = (simulate(site(processes=8, keys=keys), 0.5) for keys in (1_000_000, 1))
    assert many.blocked < 0.05
    assert one.blocked > 0.5
    assert one.per_s < many.per_s / 2


def test_no_more_commits_of_one_row_than_holds_fit_into_a_second() -> None:
    one = simulate(site(processes=8, keys=1, sync_s=0.005), 0.5)
    held_s = 0.005 + 3 * SITE.trip_s
    assert one.per_s / one.group < 1.15 / held_s


def test_a_small_database_is_what_limits() -> None:
    small = simulate(site(processes=8, database_cores=1))
    assert small.used["database"] > 0.95
    assert small.per_s < simulate(site(processes=8)).per_s / 1.5


def test_the_index_enters_what_one_process_can() -> None:
    one = simulate(site(processes=4), 0.5, 2)
    assert one.per_s > 10_000
    assert one.indexed_per_s == pytest.approx(1 / (80e-6 + 60e-6), rel=0.15)


def test_clients_at_a_rate_are_all_served() -> None:
    steady = simulate(site(rate=2000), 0.5, 2)
    assert steady.per_s == pytest.approx(2000, rel=0.05)
    assert steady.p50_ms < simulate(SITE).p50_ms


def test_two_cores_for_everything_are_shared() -> None:
    alone = simulate(site(index=False))
    shared = simulate(site(index=False, cores=2, client_s=20e-6))
    assert shared.per_s < alone.per_s
