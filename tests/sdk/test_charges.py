"""Every reuse is charged, once, and no more of them wait than may."""

import asyncio
import logging
from collections.abc import Sequence

import pytest

from gatepost_client import Check, GatepostError, RefusedError, UnavailableError, Verdict
from gatepost_client.batching import Answer
from gatepost_client.charges import Charges
from tests.sdk.values import check


class Service:
    """Charges checks once per idempotency key; loses as many answers as it is told to."""

    def __init__(self) -> None:
        self.charged: dict[str, list[str]] = {}
        self.calls: list[str] = []
        self.failures: list[GatepostError] = []
        self.lose_answers = 0

    async def __call__(self, checks: Sequence[Check], once: str) -> Sequence[Verdict]:
        self.calls.append(once)
        await asyncio.sleep(0)
        if self.failures:
            raise self.failures.pop(0)
        self.charged.setdefault(once, [one.key for one in checks])
        if self.lose_answers:
            self.lose_answers -= 1
            raise UnavailableError("no answer")
        return [Verdict(allowed=True) for _ in checks]

    @property
    def keys(self) -> list[str]:
        return [key for batch in self.charged.values() for key in batch]


class Book:
    def __init__(self) -> None:
        self.settled_: list[str] = []
        self.lost_: list[str] = []

    def settled(self, check: Check, _answer: Answer) -> None:
        self.settled_.append(check.key)

    def lost(self, check: Check) -> None:
        self.lost_.append(check.key)


def made(pending_max: int = 1000) -> tuple[Service, Book, Charges]:
    service, book = Service(), Book()
    return service, book, Charges(service, book, pending_max=pending_max)


async def test_a_lost_answer_does_not_charge_twice() -> None:
    service, book, charges = made()
    service.lose_answers = 2
    names = [f"key_{number}" for number in range(250)]
    for name in names:
        charges.add(check(name))
    await charges.flush(10)
    assert service.keys == names
    assert book.settled_ == names
    assert len(service.calls) == 5
    assert service.calls[0] == service.calls[1] == service.calls[2]


async def test_it_goes_on_after_a_pause() -> None:
    _, book, charges = made()
    for name in ("a", "b"):
        charges.add(check(name))
        await charges.flush(10)
    assert book.settled_ == ["a", "b"]


async def test_it_is_full_with_as_many_as_may_wait() -> None:
    _, _, charges = made(pending_max=2)
    seen = [charges.full]
    for name in ("a", "b"):
        charges.add(check(name))
        seen.append(charges.full)
    await charges.flush(10)
    assert [*seen, charges.full] == [False, False, True, False]


async def test_who_waits_for_the_charges_waits_for_those_before_it() -> None:
    _, book, charges = made()
    await charges.caught_up()
    for number in range(150):
        charges.add(check(f"key_{number}"))
    await charges.caught_up()
    assert len(book.settled_) == 150


async def test_who_waits_for_the_charges_is_told_of_a_failure_and_tried_for_at_once() -> None:
    service, book, charges = made()
    service.failures = [UnavailableError("no answer", retry_after_s=1000)] * 3
    charges.add(check())
    for _ in range(3):
        with pytest.raises(UnavailableError, match="no answer"):
            await asyncio.wait_for(charges.caught_up(), 10)
    await asyncio.wait_for(charges.caught_up(), 10)
    assert len(book.settled_) == 1


async def test_what_gatepost_refuses_to_charge_is_lost_and_said(
    caplog: pytest.LogCaptureFixture,
) -> None:
    service, book, charges = made()
    service.failures = [RefusedError(401, "unauthorized", "no such key", None)]
    charges.add(check("key_secret"))
    await charges.flush(10)
    assert (book.settled_, book.lost_) == ([], ["key_secret"])
    assert "refuses 1 charges: unauthorized" in caplog.text
    assert "key_secret" not in caplog.text


async def test_the_end_waits_no_longer_than_it_may(caplog: pytest.LogCaptureFixture) -> None:
    service, book, charges = made()
    service.failures = [UnavailableError("no answer")] * 1000
    with caplog.at_level(logging.WARNING):
        charges.add(check("key_secret"))
        await charges.flush(0.2)
    assert book.lost_ == ["key_secret"]
    assert len(charges) == 0
    assert "1 reused verdicts were not charged" in caplog.text
    assert "key_secret" not in caplog.text
