"""Many streams of one project: those that show the same are written to together, and it shows in
nothing but what they cost.
"""

import re
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from statistics import median

import httpx2
import pytest

from tests.api.admin import Admin, make_admin
from tests.api.reader import Reader, Slow
from tests.dialects.native.wire import an_event, data_of
from tests.server import Server
from tests.waiting import wait_for

TITLE = re.compile(rb'"title":"(\d+)"')
LARGE = {"x": "y" * 60_000}


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with short heartbeats: a reader notices at the next one that it is closed."""
    env = {"GATEPOST_STREAM_HEARTBEAT_S": "0.1"}
    with Server(tmp_path_factory.mktemp("quick") / "data", env=env) as running:
        yield running


@pytest.fixture
def admin(quick: Server, http: httpx2.Client) -> Admin:
    """An account of the test's own."""
    return make_admin(quick, http)


@contextmanager
def saying(admin: Admin, numbers: Iterable[int]) -> Iterator[None]:
    """Sends events that are named by numbers, beside what is done in the context."""

    def say() -> None:
        for number in numbers:
            admin.wire.created(an_event(channelName="orders", title=f"{number}"))

    thread = threading.Thread(target=say)
    thread.start()
    try:
        yield
    finally:
        thread.join()


@pytest.mark.parametrize("query", [{}, {"channel": "orders"}], ids=["all", "filtered"])
def test_who_comes_while_events_come_gets_all_from_then_on(
    admin: Admin, query: dict[str, str]
) -> None:
    with ExitStack() as stack:
        readers = []
        for first in range(0, 100, 5):
            with saying(admin, range(first, first + 5)):
                readers.append(stack.enter_context(Reader(admin.wire, query)))
        # The last reader may have come after all of them.
        admin.wire.created(an_event(channelName="orders", title="100"))
        for number, reader in enumerate(readers):
            wait_for(partial(reader.has, "100"), "the last event")
            titles = reader.titles()
            assert titles == [f"{number}" for number in range(int(titles[0]), 101)]
            assert int(titles[0]) <= number * 5 + 5


def test_many_see_the_same_at_once(admin: Admin) -> None:
    with ExitStack() as stack:
        readers = [
            stack.enter_context(Reader(admin.wire, {"maxPerSecond": 20} if number % 2 else {}))
            for number in range(40)
        ]
        made = [
            admin.wire.created(an_event(channelName="orders", title=f"{number}"))
            for number in range(3)
        ]
        for reader in readers:
            wait_for(lambda reader=reader: len(reader.events()) == 3, "all three")  # type: ignore[misc] # bound now
            assert reader.events() == made


def test_few_are_shown_at_once_to_who_wants_few(admin: Admin) -> None:
    waits = []
    with Reader(admin.wire, {"maxPerSecond": 9}) as reader:
        for number in range(9):
            said = time.monotonic()
            admin.wire.created(an_event(channelName="orders", title=f"{number}"))
            wait_for(partial(reader.has, f"{number}"), "the event")
            waits.append(time.monotonic() - said)
        assert reader.titles() == [f"{number}" for number in range(9)]
        assert not reader.said("skipped")
    assert median(waits) < 0.5


def test_no_second_has_more_than_were_asked_for(admin: Admin) -> None:
    with Reader(admin.wire, {"maxPerSecond": 5}) as reader:
        began = time.monotonic()
        with saying(admin, range(60)):
            wait_for(partial(reader.has, "59"), "the newest")
        seconds = time.monotonic() - began
        titles = reader.titles()
        assert reader.said("skipped")
        assert len(titles) <= 5 * (int(seconds) + 1)
        assert titles == sorted(titles, key=int)


def test_who_falls_behind_catches_up_in_order(admin: Admin) -> None:
    """It reads on before it is given up, and neither misses nor repeats anything."""
    slow = Slow(admin.wire, "orders")
    slow.read_on(b"retry: ")
    with Reader(admin.wire, {"channel": "orders"}) as good:
        for part in range(2):
            numbers = range(part * 80, part * 80 + 80)
            batch = [
                an_event(channelName="orders", title=f"{number}", metadata=LARGE)
                for number in numbers
            ]
            data_of(admin.wire.post("/v1/events/batch", batch), 200)
        wait_for(lambda: len(good.titles()) == 160, "the one that keeps up")
        admin.wire.created(an_event(channelName="orders", title="999"))
        found = slow.read_on(b'"title":"999"')
    slow.socket.close()
    assert [int(one) for one in TITLE.findall(found)] == [*range(160), 999]
    assert b"event: dropped" not in found
