"""The limiter in Valkey: one limit for all who ask the server, what it costs, what it survives."""

import asyncio
import random
import ssl
import struct
import time
from bisect import bisect_left
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import asynccontextmanager

import pytest
import valkey

from gatepost.limiter import MemoryLimiter, Subject, Verdict, Window
from gatepost.limiter.contract import UnreachableError
from gatepost.limiter.valkey import ValkeyLimiter
from tests.server import unique
from tests.valkey import Valkey
from tests.waiting import wait_for

TICK = 1 / 1024
PREFIX = "gatepost:limit:"


@pytest.fixture(scope="module")
def shared_server() -> Iterator[Valkey]:
    with Valkey() as running:
        yield running


@pytest.fixture
def server(shared_server: Valkey) -> Valkey:
    shared_server.flush()
    return shared_server


@pytest.fixture
async def limiter(server: Valkey) -> AsyncIterator[ValkeyLimiter]:
    async with opened(server.url) as one:
        yield one


@asynccontextmanager
async def opened(url: str, clock: "Clock | None" = None) -> AsyncIterator[ValkeyLimiter]:
    limiter = ValkeyLimiter(url, clock)
    yield limiter
    await limiter.close()


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


async def settled(verdict: Verdict | Awaitable[Verdict]) -> Verdict:
    return verdict if isinstance(verdict, Verdict) else await verdict


async def hit(
    limiter: ValkeyLimiter, *subjects: Subject, cost: int = 1, overdraw: bool = False
) -> Verdict:
    return await settled(limiter.hit(subjects, cost, overdraw=overdraw))


def pair(limit: int, seconds: int = 60) -> tuple[Subject, Subject]:
    """Two subjects of one account, named as the gate does."""
    tag = f"{{{unique('account')}}}"
    return (f"{tag}:key:7:60", Window("key", limit, seconds)), (
        f"{tag}:account:60",
        Window("account", 100 * limit, seconds),
    )


# --- one limit for all ----------------------------------------------------------------------------


def entries(server: Valkey, key: str) -> list[tuple[float, int]]:
    """What the server has recorded: seconds of its own clock, units."""
    with valkey.Valkey.from_url(server.url) as client:
        stored = client.lrange(PREFIX + key, 1, -1)
    pairs = [struct.unpack("<dd", entry) for entry in stored]
    return [(at / 1e6, int(units)) for at, units in pairs]


async def test_many_processes_never_admit_more_than_the_limit_in_any_window(
    server: Valkey,
) -> None:
    """Judged by the server's own times: a second, longer window has recorded every admission."""
    window, ledger = Window("second", 50, 1), Window("ledger", 1000, 3600)
    subjects = (("{tag}:limited", window), ("{tag}:ledger", ledger))
    limiters = [ValkeyLimiter(server.url) for _ in range(4)]
    end = time.monotonic() + 4.0

    async def client(limiter: ValkeyLimiter) -> int:
        admitted = 0
        while time.monotonic() < end:
            admitted += (await hit(limiter, *subjects)).admitted
        return admitted

    admitted = sum(await asyncio.gather(*(client(limiters[task % 4]) for task in range(64))))
    recorded = entries(server, "{tag}:ledger")
    moments = [at for at, units in recorded for _ in range(units)]
    assert len(moments) == admitted
    assert max(bisect_left(moments, at + 1) - place for place, at in enumerate(moments)) == 50
    assert admitted >= 4 * 50
    for limiter in limiters:
        await limiter.close()


async def test_a_limit_is_shared_by_all_that_ask_the_server(server: Valkey) -> None:
    window = Window("w", 10, 60)
    async with opened(server.url) as one, opened(server.url) as other:
        for _ in range(5):
            assert (await hit(one, ("key", window))).admitted
            assert (await hit(other, ("key", window))).admitted
        for limiter in (one, other):
            refused = await hit(limiter, ("key", window))
            assert not refused.admitted
            assert 59 < refused.retry_after_s <= 60


async def test_the_server_answers_as_the_memory_does(server: Valkey) -> None:
    """Costs, several windows, long logs, changed limits; the same clock for both."""
    chance = random.Random(11)
    clock = Clock()
    memory = MemoryLimiter(clock)
    limits = {"{t}:a": (60, 100), "{t}:b": (900, 1000), "{t}:c": (1500, 4000)}
    windows = {
        key: [Window("w", chance.randint(*bounds), seconds) for seconds in (60, 60, 90)]
        for key, bounds in limits.items()
    }
    refused = 0
    async with opened(server.url, clock) as limiter:
        for _ in range(4000):
            clock.now += chance.choice([0, 1, 7, 300, 1024]) * TICK
            asked = chance.sample(sorted(limits), chance.randint(1, 3))
            subjects = [(key, windows[key][chance.random() < 0.05]) for key in asked]
            if chance.random() < 0.1:
                assert await settled(limiter.peek(subjects)) == memory.peek(subjects)
            cost = chance.choice([1, 1, 2, 20, 60])
            overdraw = chance.random() < 0.1
            expected = memory.hit(subjects, cost, overdraw=overdraw)
            assert await hit(limiter, *subjects, cost=cost, overdraw=overdraw) == expected
            refused += not expected.admitted
    assert 400 < refused < 3600


# --- what it costs --------------------------------------------------------------------------------


async def test_all_who_wait_share_one_round_trip(server: Valkey, limiter: ValkeyLimiter) -> None:
    accounts = [pair(100) for _ in range(30)]
    await hit(limiter, *accounts[0])
    calls, reads = server.calls("evalsha"), server.info("stats")["total_reads_processed"]
    verdicts = await asyncio.gather(*(hit(limiter, *subjects) for subjects in accounts))
    asked = server.info("stats")["total_reads_processed"] - reads
    assert all(verdict.admitted for verdict in verdicts)
    assert server.calls("evalsha") - calls == 30
    own = 4  # `calls` and `info` once each: a greeting and a question
    assert asked - own <= 3


async def test_all_who_wait_for_the_same_subjects_share_one_run_of_the_script(
    server: Valkey, limiter: ValkeyLimiter
) -> None:
    subjects = pair(40)
    await settled(limiter.peek(subjects))
    before = server.calls("evalsha")
    verdicts = await asyncio.gather(*(settled(limiter.hit(subjects)) for _ in range(64)))
    assert server.calls("evalsha") == before + 1
    assert [verdict.admitted for verdict in verdicts] == [True] * 40 + [False] * 24
    remaining = [verdict.standings[0].remaining for verdict in verdicts]
    assert remaining == [*range(39, -1, -1)] + [0] * 24
    [(_, units)] = entries(server, subjects[0][0])
    assert units == 40


async def test_a_hit_costs_the_same_few_commands_however_long_the_log_is(
    server: Valkey, limiter: ValkeyLimiter
) -> None:
    subject = ("key", Window("hour", 1000, 3600))

    async def commands() -> int:
        before = server.info("stats")["total_commands_processed"]
        await hit(limiter, subject)
        return int(server.info("stats")["total_commands_processed"] - before)

    await hit(limiter, subject)
    short = await commands()
    for _ in range(900):
        await hit(limiter, subject)
    assert len(entries(server, "key")) > 900
    assert await commands() == short


async def test_a_large_limit_keeps_few_entries(server: Valkey) -> None:
    clock = Clock()
    async with opened(server.url, clock) as limiter:
        for _ in range(1000):
            clock.now += 0.25
            assert (await hit(limiter, ("key", Window("w", 10**6, 60)))).admitted
    assert len(entries(server, "key")) <= 61


async def test_keys_expire_by_themselves(server: Valkey, limiter: ValkeyLimiter) -> None:
    brief, long = ("{t}:brief", Window("second", 5, 1)), ("{t}:long", Window("hour", 5, 3600))
    await hit(limiter, brief, long)
    with server.client() as client:
        assert 0 < client.pttl(PREFIX + "{t}:brief") <= 2000
        assert 3_600_000 < client.pttl(PREFIX + "{t}:long") <= 3_601_000
        wait_for(lambda: client.keys("*") == [PREFIX + "{t}:long"], "the key to expire")


async def test_peeks_and_refusals_make_no_key(server: Valkey, limiter: ValkeyLimiter) -> None:
    window = Window("w", 1, 60)
    await settled(limiter.peek([("{t}:peeked", window)]))
    await hit(limiter, ("{t}:full", window))
    assert not (await hit(limiter, ("{t}:full", window), ("{t}:refused", window))).admitted
    with server.client() as client:
        assert client.keys("*") == [PREFIX + "{t}:full"]


async def test_the_subjects_of_one_decision_lie_in_one_slot_of_a_cluster() -> None:
    with Valkey(options=("--cluster-enabled", "yes")) as cluster:
        with cluster.client() as client:
            client.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
            wait_for(lambda: client.cluster("INFO")["cluster_state"] == "ok", "the cluster")
        async with opened(cluster.url) as limiter:
            first, second = pair(10), pair(10)
            assert all(await asyncio.gather(hit(limiter, *first), hit(limiter, *second)))
            with pytest.raises(UnreachableError, match="slot"):
                await hit(limiter, first[0], second[0])


# --- what it survives -----------------------------------------------------------------------------


async def test_limits_survive_lost_connections(server: Valkey, limiter: ValkeyLimiter) -> None:
    subject = ("key", Window("w", 3, 60))
    for _ in range(3):
        assert (await hit(limiter, subject)).admitted
        with server.client() as client:
            client.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    assert not (await hit(limiter, subject)).admitted


async def test_a_server_that_comes_back_empty_decides_at_once() -> None:
    subject = ("key", Window("w", 2, 60))
    with Valkey() as server:
        async with opened(server.url) as limiter:
            for _ in range(3):
                for admitted in (True, True, False):
                    assert (await hit(limiter, subject)).admitted is admitted
                server.kill()
                with pytest.raises(UnreachableError):
                    await hit(limiter, subject)
                server.start()


async def test_a_forgotten_script_is_brought_again(server: Valkey, limiter: ValkeyLimiter) -> None:
    accounts = [pair(2) for _ in range(5)]
    for expected in (1, 0):
        with server.client() as client:
            client.script_flush()
        verdicts = await asyncio.gather(*(hit(limiter, *subjects) for subjects in accounts))
        assert [verdict.standings[0].remaining for verdict in verdicts] == [expected] * 5


async def test_a_silent_server_is_given_up_soon_and_its_late_answers_reach_nobody(
    server: Valkey, limiter: ValkeyLimiter
) -> None:
    one, other = ("one", Window("w", 10, 60)), ("other", Window("w", 20, 60))
    await hit(limiter, one)
    server.freeze()
    began = time.monotonic()
    try:
        faults = await asyncio.gather(
            *(hit(limiter, one) for _ in range(5)), late(limiter, one), return_exceptions=True
        )
    finally:
        server.thaw()
    took_s = time.monotonic() - began
    assert [type(fault) for fault in faults] == [UnreachableError] * 6
    assert 0.3 < took_s < 5
    verdict = await hit(limiter, other)
    assert verdict.standings[0].remaining == 19


async def late(limiter: ValkeyLimiter, subject: Subject) -> Verdict:
    """Asks while a round trip is under way."""
    await asyncio.sleep(0.1)
    return await hit(limiter, subject)


async def test_a_pause_of_the_process_is_not_taken_for_silence(
    server: Valkey, limiter: ValkeyLimiter
) -> None:
    subject = ("key", Window("w", 10, 60))
    await hit(limiter, subject)
    asked = asyncio.ensure_future(hit(limiter, subject))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    time.sleep(1)  # noqa: ASYNC251 # the pause that is meant
    assert (await asked).admitted


async def test_a_server_without_memory_charges_nothing(
    server: Valkey, limiter: ValkeyLimiter
) -> None:
    subjects = pair(10)
    await hit(limiter, *subjects)
    with server.client() as client:
        client.config_set("maxmemory", 1)
        try:
            with pytest.raises(UnreachableError):
                await hit(limiter, *subjects)
        finally:
            client.config_set("maxmemory", 0)
    verdict = await settled(limiter.peek(subjects))
    assert [standing.remaining for standing in verdict.standings] == [9, 999]


async def test_who_leaves_takes_nobody_along(server: Valkey, limiter: ValkeyLimiter) -> None:
    subjects = pair(10)
    tasks = [asyncio.create_task(settled(limiter.hit(subjects))) for _ in range(3)]
    await asyncio.sleep(0)
    tasks[1].cancel()
    done = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(one) for one in done] == [Verdict, asyncio.CancelledError, Verdict]


async def test_a_clock_set_back_frees_nothing_and_blocks_no_longer_than_a_window(
    server: Valkey,
) -> None:
    clock = Clock()
    subject = ("key", Window("w", 2, 60))
    async with opened(server.url, clock) as limiter:
        await hit(limiter, subject, cost=2)
        clock.now -= 500
        assert (await hit(limiter, subject)).retry_after_s == 60
        clock.now += 59
        assert (await hit(limiter, subject)).retry_after_s == 1
        clock.now += 1
        assert (await hit(limiter, subject)).admitted


# --- addresses ------------------------------------------------------------------------------------


async def test_passwords_and_unix_sockets() -> None:
    window = Window("w", 10, 60)
    with Valkey(options=("--requirepass", "open sesame"), credentials=":open%20sesame@") as server:
        unix = f"unix://{server.socket}?db=0&password=open%20sesame"
        urls = (server.url, server.url.replace("valkey:", "redis:"), unix)
        for remaining, url in enumerate(urls):
            async with opened(url) as limiter:
                verdict = await hit(limiter, ("key", window))
                assert verdict.standings[0].remaining == 9 - remaining
                assert "sesame" not in limiter.server
        async with opened(server.url.replace("open", "close")) as limiter:
            with pytest.raises(UnreachableError) as caught:
                await hit(limiter, ("key", window))
            assert "sesame" not in str(caught.value)


def test_a_certificate_must_be_the_servers_unless_the_address_says_otherwise() -> None:
    for scheme in ("valkeys", "rediss"):
        strict = ValkeyLimiter(f"{scheme}://localhost")._link._connection
        assert strict.check_hostname
        assert strict.cert_reqs == ssl.CERT_REQUIRED
        lax = ValkeyLimiter(f"{scheme}://localhost?ssl_check_hostname=no")._link._connection
        assert not lax.check_hostname


@pytest.mark.parametrize(
    "url",
    [
        "http://:hush@localhost:6379",
        "valkey://:hush/hush@localhost:6379",
        "valkey://:hush@localhost:port",
        "valkey://:hush@localhost?db=hush",
        "valkey://:hush@localhost?hush=1",
        "valkeys://:hush@localhost?ssl_cert_reqs=hush",
    ],
)
def test_a_malformed_address_is_refused_without_naming_it(url: str) -> None:
    with pytest.raises(ValueError, match="not an address") as caught:
        ValkeyLimiter(url)
    assert "hush" not in str(caught.value)
