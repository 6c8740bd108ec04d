"""Tables cut by time, on both engines: room is made ahead, what is old goes, nothing else does."""

from pathlib import Path

from gatepost import migrations
from gatepost.base import ids
from gatepost.base.clock import DAY_MS, now_ms
from gatepost.base.config import Settings
from gatepost.base.ids import AccountId, ChannelId, CustomerId, EventId, ProjectId
from gatepost.domains.events import store
from gatepost.domains.events.model import Event
from gatepost.domains.usage import store as usage
from gatepost.domains.usage.model import Metered, Sums
from gatepost.storage.backend import Backend, backend_of

HERE = ProjectId(ids.new())
WEEK_MS = 7 * DAY_MS


def event(at: int) -> Event:
    channel = ChannelId(bytes(16))
    return Event(
        HERE, EventId(ids.new_at(at)), channel, "c", "t", None, None, "[]", "{}", None,
        True, "api", "message",
    )  # fmt: skip


def kept(backend: Backend) -> list[int]:
    with backend.read() as tx:
        found = store.newest(tx, HERE, (None, None), 100)
    return [ids.time_of(one.id) for one in found]


def test_there_is_room_for_any_time(backend: Backend) -> None:
    now = now_ms()
    times = [now + 14 * DAY_MS, now, now - 30 * DAY_MS, now - 9000 * DAY_MS]
    with backend.write() as tx:
        store.make_parts(tx, now)
        store.make_parts(tx, now)  # all are there already
        store.append(tx, [event(at) for at in times])
    assert kept(backend) == times


def test_what_is_old_goes_and_nothing_else(backend: Backend) -> None:
    start = now_ms() // WEEK_MS * WEEK_MS
    times = [start + 3 * WEEK_MS + 5, start + 2 * WEEK_MS, start + 2 * WEEK_MS - 1, start + 1]
    with backend.write() as tx:
        store.make_parts(tx, start)
        store.append(tx, [event(at) for at in times])
    before = start + 2 * WEEK_MS
    with backend.write() as tx:
        left = store.drop_parts(tx, before)
    with backend.write() as tx:
        old = store.older_than(tx, HERE, ids.floor_at(left), 10)
        assert all(ids.time_of(one.event.id) < before for one in old)
        store.remove(tx, HERE, [one.event.id for one in old])
    assert kept(backend) == times[:2]


def test_parts_go_on_where_they_ended_after_a_long_pause(backend: Backend) -> None:
    now = now_ms()
    with backend.write() as tx:
        store.make_parts(tx, now)
    later = now + 20 * WEEK_MS
    with backend.write() as tx:
        store.make_parts(tx, later)
        store.append(tx, [event(now + weeks * WEEK_MS) for weeks in range(23)])
    assert len(kept(backend)) == 23


def test_parts_that_are_gone_are_not_made_again(backend: Backend) -> None:
    now = now_ms()
    with backend.write() as tx:
        store.make_parts(tx, now - 10 * WEEK_MS)
        store.make_parts(tx, now)
        store.drop_parts(tx, now - 2 * WEEK_MS)
        store.make_parts(tx, now)
        store.append(tx, [event(now)])
    assert kept(backend) == [now]


def test_nothing_old_is_found_in_no_time(tmp_path: Path) -> None:
    """The one writer must not read all that was asked for customers to see that all is young."""
    backend = backend_of(Settings(data=str(tmp_path)))
    migrations.upgrade(backend.engine)
    now, steps = now_ms(), [0]
    sums = Sums()
    for number in range(20_000):
        sums.add(used(CustomerId(number.to_bytes(16)), now))

    def step() -> int:
        steps[0] += 1
        return 0

    with backend.write() as tx:
        usage.add(tx, sums)
        tx.driver.set_progress_handler(step, 100)
        assert usage.expire(tx, now - DAY_MS, 500) == 0
        assert usage.expire(tx, now + DAY_MS, 500) == 500
        tx.driver.set_progress_handler(None, 0)
    backend.engine.dispose()
    assert steps[0] < 300


def used(customer_id: CustomerId, at: int) -> Metered:
    return Metered(
        account_id=AccountId(bytes(16)),
        customer_id=customer_id,
        project_id=HERE,
        key_id=bytes(16),
        route="POST /v1/events",
        status=201,
        units=1,
        at=at,
    )
