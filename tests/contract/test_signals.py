"""What every doorbell promises, within one process and between many."""

import asyncio
import json
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager
from time import monotonic
from typing import TypeAlias

import pytest

from gatepost.base.metrics import Metrics
from gatepost.signals.contract import REVOKED, Signals, Topic
from gatepost.signals.memory import MemorySignals
from gatepost.signals.postgres import PostgresSignals
from gatepost.signals.shared import ANSWER_S, FLUSH_S, GAP_S, IDLE_S, PENDING_MAX
from gatepost.signals.valkey import ValkeySignals
from tests.contract.doorbells import (
    SECRET,
    Hub,
    Road,
    another_process,
    count,
    rung,
    stands,
    until,
    until_back,
    until_lost,
)
from tests.postgres import Postgres
from tests.valkey import Valkey

TOPICS = (b"\x00\xff" * 8, b"", "text", "", "t\u00e4xt \u2603", REVOKED)
SHARED = ("postgres", "valkey")
Pair: TypeAlias = tuple[Signals, Signals]


@pytest.fixture(scope="module")
def servers() -> Iterator[Callable[[str], Postgres | Valkey]]:
    """The server of a name, started when it is first asked for."""
    running: dict[str, Postgres | Valkey] = {}
    with ExitStack() as stack:

        def get(name: str) -> Postgres | Valkey:
            if name not in running:
                running[name] = Postgres() if name == "postgres" else Valkey()
                stack.enter_context(running[name])
            return running[name]

        yield get


@asynccontextmanager
async def _hub(server: Postgres | Valkey) -> AsyncIterator[Hub]:
    made = Hub(server)
    yield made
    for user in made.users:
        await user.close()


@pytest.fixture(params=SHARED)
async def hub(
    request: pytest.FixtureRequest, servers: Callable[[str], Postgres | Valkey]
) -> AsyncIterator[Hub]:
    async with _hub(servers(request.param)) as made:
        yield made


@pytest.fixture(params=["memory", *SHARED])
async def pair(
    request: pytest.FixtureRequest, servers: Callable[[str], Postgres | Valkey]
) -> AsyncIterator[Pair]:
    """Two processes' doorbells; within one process, the same ones twice."""
    if request.param == "memory":
        alone = MemorySignals()
        await alone.start()
        yield alone, alone
        await alone.close()
    else:
        async with _hub(servers(request.param)) as made:
            yield await made.pair()


# Rings


@pytest.mark.parametrize("topic", TOPICS, ids=repr)
async def test_a_ring_reaches_the_listeners_of_its_topic_everywhere(
    pair: Pair, topic: Topic
) -> None:
    a, b = pair
    with a.listen(topic) as near, b.listen(topic) as far, b.listen(topic) as other:
        a.ring(topic)
        assert await stands(near)
        assert await rung(far)
        assert await rung(other)
        assert not await stands(near)
        assert not await stands(far)


async def test_other_topics_stay_silent(pair: Pair) -> None:
    a, b = pair
    with b.listen("x") as text, b.listen(b"x") as raw, b.listen("mark") as mark:
        for topic, bell, other in (("x", text, raw), (b"x", raw, text)):
            a.ring(topic)
            a.ring("mark")
            assert await rung(mark)
            assert await stands(bell)
            assert not await stands(other)


async def test_a_bell_remembers_one_ring_and_waits_no_longer_than_told(pair: Pair) -> None:
    a, b = pair
    with b.listen("x") as bell:
        started = monotonic()
        assert not await bell.wait(0.05)
        assert monotonic() - started >= 0.05
        for _ in range(3):
            a.ring("x")
        assert await rung(bell)
        a.ring("mark")
        with b.listen("mark") as mark:
            a.ring("mark")
            assert await rung(mark)
        assert not await stands(bell)


async def test_who_listens_no_more_is_no_burden(pair: Pair) -> None:
    a, b = pair
    with b.listen("x"):
        pass
    a.ring("x")
    with b.listen("mark") as mark:
        a.ring("mark")
        assert await rung(mark)


async def test_own_messages_are_not_acted_upon_again(hub: Hub) -> None:
    a, b = await hub.pair()
    with a.listen("x") as near, b.listen("x") as far, a.listen("mark") as mark:
        a.ring("x")
        assert await stands(near)
        assert await rung(far)
        b.ring("mark")  # behind a's own message
        assert await rung(mark)
        assert not await stands(near)


# Few messages


async def test_rings_share_messages(hub: Hub) -> None:
    a, b = await hub.pair()
    topics = [number.to_bytes(16, "big") for number in range(10)]
    with ExitStack() as stack:
        bells = [stack.enter_context(b.listen(topic)) for topic in topics]
        started = monotonic()
        for number in range(1_000):
            a.ring(topics[number % 10])
            await asyncio.sleep(0)
        assert all([await rung(bell) for bell in bells])
        assert count(a, "sent") <= 2 + (monotonic() - started) / GAP_S


async def test_a_process_sends_about_fifty_messages_a_second_at_most(hub: Hub) -> None:
    a, b = await hub.pair()
    with b.listen("x") as bell:
        started = monotonic()
        while monotonic() - started < 0.5:
            a.ring("x")
            assert await rung(bell)
        assert 2 <= count(a, "sent") <= 2 + (monotonic() - started) / GAP_S


@pytest.mark.parametrize(("topics", "messages"), [(600, 3), (PENDING_MAX + 500, 3)])
async def test_many_topics_take_few_messages(hub: Hub, topics: int, messages: int) -> None:
    a, b = await hub.pair()
    with ExitStack() as stack:
        names = [number.to_bytes(16, "big") for number in range(topics)]
        bells = [stack.enter_context(b.listen(name)) for name in names]
        for name in names:
            a.ring(name)
        assert all([await rung(bell) for bell in bells])
        await until(lambda: not a._pending, "everything sent")
        assert count(a, "sent") <= messages


@pytest.mark.parametrize("message", ["", "gibberish", "some body", "x *", "x t\u00e4 bff bf"])
async def test_strangers_on_the_channel_do_no_harm(hub: Hub, message: str) -> None:
    a, b = await hub.pair()
    with b.listen("x") as bell:
        await asyncio.to_thread(hub.say, message)
        if " " in message:  # not understood: everything may be meant
            assert await rung(bell)
        a.ring("x")
        assert await rung(bell)
    assert count(b, "losses") == 0


# Losses


async def test_after_a_cut_everyone_is_rung_once_and_rings_arrive(hub: Hub) -> None:
    a, b = await hub.pair()
    with a.listen("near") as near, b.listen("far") as far:
        await asyncio.to_thread(hub.cut)
        await until(lambda: count(a, "losses") == count(b, "losses") == 1, "both losses")
        await until_back(a, b)
        assert await rung(near)
        assert await rung(far)
        assert not await stands(near)
        assert not await stands(far)
        a.ring("far")
        assert await rung(far)


async def test_a_killed_server_that_comes_back_is_found_again(hub: Hub) -> None:
    a, b = await hub.pair()
    with a.listen("near") as near, b.listen("far") as far:
        await asyncio.to_thread(hub.server.kill)
        await until_lost(a, b)
        a.ring("near")
        assert await stands(near), "a local ring needs no server"
        assert b"gatepost_signals_connected 0.0" in b._metrics.render()
        await asyncio.to_thread(hub.server.start)
        await until_back(a, b)
        assert b"gatepost_signals_connected 1.0" in b._metrics.render()
        assert await rung(near)
        assert await rung(far)
        a.ring("far")
        assert await rung(far)


async def test_a_frozen_server_is_given_up_in_time(hub: Hub) -> None:
    a, b = await hub.pair()
    with b.listen("x") as bell:
        await asyncio.to_thread(hub.server.freeze)
        try:
            await until_lost(a, b)
            started = monotonic()
            await a.close()
            assert monotonic() - started < 3
        finally:
            await asyncio.to_thread(hub.server.thaw)
        await until_back(b)
        assert await rung(bell)


@pytest.mark.parametrize("moment", ["before it is noticed", "after it is noticed"])
async def test_what_is_rung_while_cut_off_is_told_on_return(hub: Hub, moment: str) -> None:
    async with Road(hub.server.port).opened() as road:
        a, b = hub.join(hub.by_way_of(road.port)), hub.join()
        await a.start()
        await b.start()
        with b.listen("x") as bell:
            road.block()
            if moment == "before it is noticed":
                a.ring("x")
                await until_lost(a)
            else:
                await until_lost(a)
                a.ring("x")
            road.unblock()
            assert await rung(bell)
        assert count(b, "losses") == 0
        await a.close()


async def test_a_cut_between_two_messages_loses_none(hub: Hub) -> None:
    async with Road(hub.server.port).opened() as road:
        a, b = hub.join(hub.by_way_of(road.port)), hub.join()
        await a.start()
        await b.start()
        with ExitStack() as stack:
            names = [number.to_bytes(16, "big") for number in range(600)]
            bells = [stack.enter_context(b.listen(name)) for name in names]
            for name in names:
                a.ring(name)
            assert await rung(bells[0])
            road.block()
            await until_lost(a)
            road.unblock()
            assert all([await rung(bell) for bell in bells[1:]])
        assert count(b, "losses") == 0
        await a.close()


async def test_silence_is_no_loss(hub: Hub) -> None:
    a, b = await hub.pair()
    with a.listen("x") as near, b.listen("x") as far:
        assert not await far.wait(IDLE_S + ANSWER_S + 0.5)
        assert not await stands(near)
    assert count(a, "losses") == count(b, "losses") == 0


async def test_whoever_looks_when_rung_sees_everything_in_the_end(hub: Hub) -> None:
    """The contract: the truth changes, then a ring; connections break all the time."""
    a, b = await hub.pair()
    truth: Counter[Topic] = Counter()
    seen: Counter[Topic] = Counter()

    async def look(topic: Topic) -> None:
        with b.listen(topic) as bell:
            while True:
                if await rung(bell):
                    seen[topic] = truth[topic]

    topics = [f"topic {number}" for number in range(20)]
    looking = [asyncio.create_task(look(topic)) for topic in topics]
    for number in range(300):
        topic = random.choice(topics)
        truth[topic] += 1
        a.ring(topic)
        if number % 50 == 10:
            await asyncio.to_thread(hub.cut)
        await asyncio.sleep(random.uniform(0, 0.01))
    await until(lambda: seen == truth, "the last look")
    for task in looking:
        task.cancel()
    await asyncio.gather(*looking, return_exceptions=True)
    assert count(b, "losses") >= 1


# Beginning and end


async def test_a_server_may_come_later(hub: Hub) -> None:
    await asyncio.to_thread(hub.server.kill)
    a, b = await hub.pair()
    assert not a.connected
    with b.listen("x") as bell:
        a.ring("x")
        await asyncio.to_thread(hub.server.start)
        await until_back(a, b)
        assert await rung(bell)


async def test_the_last_ring_is_still_sent(hub: Hub) -> None:
    a, b = await hub.pair()
    with b.listen("first") as first, b.listen("last") as last:
        a.ring("first")
        assert await rung(first)
        a.ring("last")
        await a.close()
        assert await rung(last)
    await a.close()


async def test_an_end_comes_soon_even_if_the_loop_was_busy(hub: Hub) -> None:
    a, b = await hub.pair()
    time.sleep(IDLE_S + 0.1)  # noqa: ASYNC251 # a sign of life is overdue when the end comes
    for user in (a, b):
        started = monotonic()
        await user.close()
        assert monotonic() - started < FLUSH_S


async def test_without_a_start_a_close_is_nothing(hub: Hub) -> None:
    a = hub.join()
    a.ring("x")
    await a.close()


async def test_another_process_hears_and_is_heard_and_logs_no_password(hub: Hub) -> None:
    a = hub.join()
    await a.start()
    with a.listen("answer") as bell:
        async with another_process(hub) as child:
            a.ring("question")
            assert await rung(bell)
            for _ in range(2):
                await asyncio.to_thread(hub.server.kill)
                await until_lost(a)
                await asyncio.to_thread(hub.server.start)
                await until_back(a)
                assert await rung(bell)
                a.ring("question")
                assert await rung(bell)
            _, errors = await child.communicate(b"")
    lines = [json.loads(line)["event"] for line in errors.splitlines()]
    assert (child.returncode, lines) == (0, ["signals are lost", "signals are back"] * 2)
    assert SECRET.encode() not in errors


@pytest.mark.parametrize("make", [PostgresSignals, ValkeySignals])
@pytest.mark.parametrize(
    "url", ["nonsense", "u:{}@host", "http://u:{}@host/", "postgresql://u:{}/@h"]
)
def test_no_address_is_refused_without_telling_it(
    make: Callable[[str, Metrics], Signals], url: str
) -> None:
    with pytest.raises(ValueError, match="not an address") as refused:
        make(url.format(SECRET), Metrics())
    assert SECRET not in str(refused.value)
