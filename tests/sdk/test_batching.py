"""What waits at the same moment goes together."""

import asyncio
from collections.abc import Sequence

import pytest

from gatepost_client import Check, GatepostError, RefusedError, UnavailableError, Verdict
from gatepost_client.batching import Lane
from tests.sdk.values import check


class Calls:
    """Answers calls when a test lets it; a key of `bad…` is an invalid check."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.asked: list[str] = []
        self.open = asyncio.Event()
        self.failure: GatepostError | None = None
        self.going = self.most = 0

    async def __call__(self, checks: Sequence[Check]) -> Sequence[Verdict]:
        self.sizes.append(len(checks))
        self.going += 1
        self.most = max(self.most, self.going)
        await self.open.wait()
        self.going -= 1
        self.asked += [one.key for one in checks]
        if self.failure:
            raise self.failure
        if any(one.key.startswith("bad") for one in checks):
            raise RefusedError(400, "validation_error", "invalid", None)
        return [Verdict(allowed=True, message=one.key) for one in checks]


def ask(lane: Lane, count: int, name: str = "key") -> list[asyncio.Task[str | None]]:
    async def one(number: int) -> str | None:
        verdict, _ = await lane.ask(check(f"{name}_{number}"))
        return verdict.message

    return [asyncio.create_task(one(number)) for number in range(count)]


async def turns(count: int = 5) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_while_one_call_runs_the_next_gathers() -> None:
    calls = Calls()
    lane = Lane(calls)
    first = ask(lane, 3, "first")
    await turns()
    later = ask(lane, 40, "later")
    await turns()
    assert calls.sizes == [3]
    calls.open.set()
    assert await asyncio.gather(*first, *later) == [
        *(f"first_{number}" for number in range(3)),
        *(f"later_{number}" for number in range(40)),
    ]
    assert calls.sizes == [3, 40]


async def test_one_alone_is_asked_at_once_and_again_after_it() -> None:
    calls = Calls()
    calls.open.set()
    lane = Lane(calls)
    for _ in range(3):
        await asyncio.gather(*ask(lane, 1))
    assert calls.sizes == [1, 1, 1]


async def test_full_batches_go_beside_each_other_up_to_a_bound() -> None:
    calls = Calls()
    lane = Lane(calls, size=10, calls_max=3)
    tasks = ask(lane, 95)
    await turns()
    calls.open.set()
    await asyncio.gather(*tasks)
    assert max(calls.sizes) == 10
    assert sum(calls.sizes) == 95
    assert calls.most == 3


async def test_what_was_given_up_while_it_waited_is_not_asked() -> None:
    calls = Calls()
    lane = Lane(calls)
    first = ask(lane, 1, "first")
    await turns()
    given_up, kept = ask(lane, 2, "later")
    await turns()
    given_up.cancel()
    await turns()
    calls.open.set()
    await asyncio.gather(*first, kept)
    assert calls.asked == ["first_0", "later_1"]


async def test_an_invalid_check_is_refused_alone() -> None:
    calls = Calls()
    calls.open.set()
    lane = Lane(calls)
    tasks = [*ask(lane, 5), *ask(lane, 1, "bad"), *ask(lane, 5, "more")]
    done = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(one).__name__ for one in done] == ["str"] * 5 + ["RefusedError"] + ["str"] * 5


async def test_a_failed_call_fails_those_in_it_and_the_next_goes_on() -> None:
    calls = Calls()
    calls.open.set()
    calls.failure = UnavailableError("no answer")
    lane = Lane(calls)
    done = await asyncio.gather(*ask(lane, 3), return_exceptions=True)
    assert [str(one) for one in done] == ["no answer"] * 3
    calls.failure = None
    assert await asyncio.gather(*ask(lane, 1)) == ["key_0"]


async def test_a_verdict_is_as_old_as_its_question() -> None:
    calls = Calls()
    lane = Lane(calls)
    asked = asyncio.create_task(lane.ask(check()))
    await turns()
    before = asyncio.get_running_loop().time()
    calls.open.set()
    _, asked_at = await asked
    assert asked_at <= before


async def test_who_waits_at_the_end_is_told_so() -> None:
    lane = Lane(Calls())
    tasks = ask(lane, 2)
    await turns()
    late = ask(lane, 2)
    await turns()
    await lane.close()
    for task in [*tasks, *late]:
        with pytest.raises(UnavailableError):
            await task
