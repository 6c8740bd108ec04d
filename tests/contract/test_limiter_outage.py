"""Shared limits while their server cannot be reached: what passes, what is counted, how it ends."""

import asyncio
import time
from bisect import bisect_left
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager

import pytest
from structlog.testing import capture_logs

from gatepost.base.errors import AppError, Code
from gatepost.base.metrics import Metrics
from gatepost.limiter import CostAboveLimitError, Subject, Verdict, Window
from gatepost.limiter.outage import PROBE_S, Policy, SharedLimiter
from gatepost.limiter.valkey import ValkeyLimiter
from tests.valkey import Valkey
from tests.waiting import wait_for

PASSED = Verdict(admitted=True, standings=(), retry_after_s=0.0)
SUBJECTS: tuple[Subject, ...] = (
    ("{a}:key", Window("minute", 40, 60)),
    ("{a}:account", Window("hour", 400, 3600)),
)
SILENCE_S = 2.0
SOON_S = 5.0
"""More than a server's silence may cost those who meet it, even on a busy machine."""


@pytest.fixture
def server() -> Iterator[Valkey]:
    with Valkey() as running:
        yield running


class Process:
    """What one server process has: a limiter and its metrics."""

    def __init__(self, server: Valkey, policy: Policy, live: int) -> None:
        self.metrics = Metrics()
        self.live = live
        shared = ValkeyLimiter(server.url)
        self.limiter = SharedLimiter(shared, lambda: self.live, policy, self.metrics)

    async def hit(
        self,
        subjects: tuple[Subject, ...] = SUBJECTS,
        cost: int = 1,
        *,
        lenient: bool = False,
        overdraw: bool = False,
    ) -> Verdict:
        hit = self.limiter.hit(subjects, cost, lenient=lenient, overdraw=overdraw)
        return await settled(hit)

    def counted(self) -> dict[str, float]:
        """Decisions made without the server, by outcome."""
        start = "gatepost_limiter_outage_"
        counters = self.metrics.counters.items()
        return {name.removeprefix(start): n for name, n in counters if name.startswith(start) and n}

    async def until(self, *, out: bool) -> None:
        def reached() -> bool:
            return self.limiter.out is out

        await asyncio.to_thread(wait_for, reached, f"out to be {out}")

    async def decided(self) -> None:
        """Wait until something was admitted without the server."""
        await asyncio.to_thread(wait_for, lambda: self.counted().get("admitted"), "a decision")


@asynccontextmanager
async def process(
    server: Valkey, policy: Policy = Policy.LOCAL, live: int = 4
) -> AsyncIterator[Process]:
    one = Process(server, policy, live)
    await one.limiter.start()
    yield one
    await one.limiter.close()


async def settled(verdict: Verdict | Awaitable[Verdict]) -> Verdict:
    return verdict if isinstance(verdict, Verdict) else await verdict


@contextmanager
def frozen(server: Valkey) -> Iterator[None]:
    server.freeze()
    try:
        yield
    finally:
        server.thaw()


# --- the policies ---------------------------------------------------------------------------------


async def test_local_admits_the_fair_share_and_says_so(server: Valkey) -> None:
    async with process(server, live=4) as one:
        server.kill()
        verdicts = [await one.hit() for _ in range(15)]
        assert [verdict.admitted for verdict in verdicts] == [True] * 10 + [False] * 5
        key, account = verdicts[0].standings
        assert (key.window.limit, key.remaining) == (10, 9)
        assert (account.window.limit, account.remaining) == (100, 99)
        assert 59 < verdicts[-1].retry_after_s <= 60
        assert one.counted() == {"admitted": 10, "throttled": 5}


async def test_local_knows_what_the_process_has_charged_before(server: Valkey) -> None:
    async with process(server, live=4) as one, process(server, live=4) as other:
        for _ in range(7):
            assert (await one.hit()).standings[0].window.limit == 40
        server.kill()
        assert (await settled(one.limiter.peek(SUBJECTS))).standings[0].remaining == 3
        assert sum([(await one.hit()).admitted for _ in range(10)]) == 3
        assert sum([(await other.hit()).admitted for _ in range(20)]) == 10


async def test_local_follows_the_number_of_processes(server: Valkey) -> None:
    async with process(server, live=1) as one:
        server.kill()
        for live, limit in ((1, 40), (3, 13), (40, 1), (1000, 1), (0, 40)):
            one.live = live
            verdict = await settled(one.limiter.peek(SUBJECTS))
            assert verdict.standings[0].window.limit == limit


async def test_local_cannot_admit_a_cost_above_the_share(server: Valkey) -> None:
    async with process(server, live=4) as one:
        server.kill()
        with pytest.raises(AppError) as caught:
            await one.hit(cost=11)
        assert (caught.value.code, caught.value.retry_after_s) == (Code.UNAVAILABLE, 1.0)
        with pytest.raises(CostAboveLimitError, match="limit of 40"):
            await one.hit(cost=41)
        assert one.counted() == {"refused": 1}


async def test_local_may_overdraw_the_share(server: Valkey) -> None:
    async with process(server, live=4) as one:
        assert (await one.hit(cost=50, overdraw=True)).standings[0].remaining == 0
        server.kill()
        assert not (await one.hit(overdraw=True)).admitted, "what was overdrawn is known here"
    server.start()
    async with process(server, live=4) as one:
        server.kill()
        verdict = await one.hit(cost=11, overdraw=True)
        assert (verdict.admitted, verdict.standings[0].remaining) == (True, 0)
        assert not (await one.hit(overdraw=True)).admitted


async def test_refuse_says_to_come_back(server: Valkey) -> None:
    async with process(server, Policy.REFUSE) as one:
        assert (await one.hit()).admitted
        server.kill()
        for _ in range(3):
            with pytest.raises(AppError) as caught:
                await one.hit()
            assert (caught.value.code, caught.value.retry_after_s) == (Code.UNAVAILABLE, 1.0)
        assert await settled(one.limiter.peek(SUBJECTS)) == PASSED
        assert one.counted() == {"refused": 3}


async def test_open_lets_pass_and_counts(server: Valkey) -> None:
    async with process(server, Policy.OPEN) as one:
        server.kill()
        assert [await one.hit() for _ in range(100)] == [PASSED] * 100
        assert one.counted() == {"open": 100}


@pytest.mark.parametrize("policy", Policy)
async def test_lenient_hits_pass_uncharged_under_every_policy(
    server: Valkey, policy: Policy
) -> None:
    async with process(server, policy, live=4) as one:
        server.kill()
        assert [await one.hit(lenient=True) for _ in range(100)] == [PASSED] * 100
        assert one.counted() == {"lenient": 100}


async def test_lenient_hits_are_charged_as_long_as_the_server_answers(server: Valkey) -> None:
    async with process(server) as one:
        verdicts = [await one.hit(lenient=True) for _ in range(50)]
        assert [verdict.admitted for verdict in verdicts] == [True] * 40 + [False] * 10
        assert one.counted() == {}


# --- its beginning and its end --------------------------------------------------------------------


async def test_only_those_who_meet_the_silence_first_wait(server: Valkey) -> None:
    async with process(server, live=1) as one:
        await one.hit()
        with frozen(server):
            began = time.monotonic()
            verdicts = await asyncio.gather(*(one.hit() for _ in range(20)))
            assert time.monotonic() - began < SOON_S
            assert all(verdict.admitted for verdict in verdicts)
            # From now on the answer is there at once, without a turn of the loop.
            assert isinstance(one.limiter.hit(SUBJECTS), Verdict)
            assert isinstance(one.limiter.peek(SUBJECTS), Verdict)
        await one.until(out=False)
        peeked = one.limiter.peek(SUBJECTS)
        assert not isinstance(peeked, Verdict)
        assert (await peeked).standings[0].window.limit == 40


async def test_the_server_is_asked_again_as_soon_as_it_is_back(server: Valkey) -> None:
    async with process(server, live=4) as one:
        for _ in range(3):
            server.kill()
            assert (await one.hit()).standings[0].window.limit == 10
            server.start()
            began = time.monotonic()
            await one.until(out=False)
            assert time.monotonic() - began < PROBE_S + SOON_S
            verdict = await one.hit()
            assert (verdict.standings[0].window.limit, verdict.standings[0].remaining) == (40, 39)
        assert one.metrics.counters["gatepost_limiter_outages"] == 3


def refusals(server: Valkey) -> int:
    """How often the server has said that it is out of memory."""
    return int(server.info("errorstats").get("errorstat_OOM", {"count": 0})["count"])


async def test_a_server_that_refuses_to_write_is_out_of_reach_until_it_does_not(
    server: Valkey,
) -> None:
    async with process(server) as one:
        with server.client() as client:
            client.config_set("maxmemory", 1)
            assert (await one.hit()).standings[0].window.limit == 10
            await asyncio.to_thread(wait_for, lambda: refusals(server) >= 4, "probes")
            assert one.limiter.out
            client.config_set("maxmemory", 0)
        await one.until(out=False)


async def test_probes_come_one_at_a_time(server: Valkey) -> None:
    async with process(server) as one:
        await one.hit()
        before = server.info("stats")["total_connections_received"]
        with frozen(server):
            began = time.monotonic()
            while time.monotonic() < began + SILENCE_S:
                await asyncio.gather(*(one.hit() for _ in range(20)))
                await asyncio.sleep(PROBE_S / 10)
        await one.until(out=False)
        tried = server.info("stats")["total_connections_received"] - before
        assert 2 <= tried - 1 <= (time.monotonic() - began) / PROBE_S


async def test_an_outage_at_the_start_is_no_error(server: Valkey) -> None:
    server.kill()
    async with process(server, live=4) as one:
        assert one.limiter.out
        assert (await one.hit()).standings[0].window.limit == 10
        server.start()
        await one.until(out=False)
        assert (await one.hit()).standings[0].window.limit == 40


async def test_closing_in_an_outage_takes_no_time(server: Valkey) -> None:
    async with process(server) as one:
        with frozen(server):
            await one.hit()
            began = time.monotonic()
            await one.limiter.close()
            assert time.monotonic() - began < SOON_S


async def test_beginning_and_end_are_told_once_without_the_password() -> None:
    options = ("--requirepass", "sesame")
    with Valkey(options=options, credentials=":sesame@") as server, capture_logs() as lines:
        async with process(server) as one:
            server.kill()
            for _ in range(5):
                await one.hit()
            assert b"gatepost_limiter_outage 1.0" in one.metrics.render()
            server.start()
            await one.until(out=False)
            assert b"gatepost_limiter_outage 0.0" in one.metrics.render()
        assert [line["event"] for line in lines] == [
            "shared limits are out of reach",
            "shared limits are back",
        ]
        assert all(line["server"] == f"127.0.0.1:{server.port}" for line in lines)
        assert "sesame" not in str(lines)


# --- the bound ------------------------------------------------------------------------------------


def worst(admitted: list[tuple[float, float]], seconds: int) -> int:
    """The most that surely lie in any one window; each was admitted between its two times."""
    asked, answered = (sorted(times) for times in zip(*admitted, strict=True))
    return max(bisect_left(answered, at + seconds) - place for place, at in enumerate(asked))


async def hammer(
    one: Process, subjects: tuple[Subject, ...], done: Callable[[], bool]
) -> list[tuple[float, float]]:
    admitted = []
    while not done():
        asked = time.monotonic()
        if (await one.hit(subjects)).admitted:
            admitted.append((asked, time.monotonic()))
        await asyncio.sleep(0.001)
    return admitted


async def test_the_limit_holds_within_its_bound_through_a_crash_that_forgets_all(
    server: Valkey,
) -> None:
    """Four processes under load: N before, N from the local shares, N from the empty server."""
    limit = 40
    subjects: tuple[Subject, ...] = (("{b}:key", Window("second", limit, 1)),)
    over = asyncio.Event()

    async def crash(processes: list[Process]) -> float:
        await asyncio.sleep(1.5)
        await asyncio.to_thread(server.kill)
        await asyncio.gather(*(one.until(out=True) for one in processes))
        await asyncio.gather(*(one.decided() for one in processes))
        await asyncio.to_thread(server.start)
        await asyncio.gather(*(one.until(out=False) for one in processes))
        back = time.monotonic()
        await asyncio.sleep(2.5)
        over.set()
        return back

    async with AsyncExitStack() as stack:
        processes = [await stack.enter_async_context(process(server)) for _ in range(4)]
        work = [hammer(processes[task % 4], subjects, over.is_set) for task in range(32)]
        gathered = asyncio.gather(*work)
        back = await crash(processes)
        results = await gathered
    admitted = [moment for result in results for moment in result]
    later = [moment for moment in admitted if moment[0] > back]
    outages = max(one.metrics.counters["gatepost_limiter_outages"] for one in processes)
    assert worst(admitted, 1) <= 3 * limit
    assert limit / 2 <= worst(later, 1) <= limit * outages
