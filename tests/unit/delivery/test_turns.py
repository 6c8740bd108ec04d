"""Who may send when: lines of one destination each, and turns between accounts. Pure."""

from collections import Counter
from collections.abc import Sequence

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from gatepost.base import ids
from gatepost.base.ids import AccountId, DeliveryId, MessageId, ProjectId, QueueId
from gatepost.delivery.line import AHEAD, CAP, Line
from gatepost.delivery.turns import turns
from gatepost.domains.outbox.circuit import FAILURES
from gatepost.domains.outbox.model import Delivery, Message, Priority, Queue, State, Transport
from gatepost.domains.outbox.policy import STANDARD
from gatepost.engine.jobs import Job

NOW = 1_800_000_000_000
QUEUE = Queue(
    account_id=AccountId(bytes(16)),
    id=QueueId(bytes(16)),
    transport=Transport.WEBHOOK,
    name="a.example",
    due_at=NOW,
    owner=None,
    lease_until=0,
    fence=1,
    failures=0,
    open_until=0,
)


def line(jobs: int = 0, *, account: bytes = bytes(16), **queue: object) -> Line:
    made = Line(
        msgspec.structs.replace(
            QUEUE, account_id=AccountId(account), id=QueueId(ids.random()), **queue
        ),
        NOW,
    )
    made.put([job(made) for _ in range(jobs)], None, NOW)
    return made


def job(line_: Line, *, due_at: int = NOW, priority: Priority = Priority.NORMAL) -> Job:
    account_id = line_.place.account_id
    message = Message(
        account_id=account_id,
        id=MessageId(ids.random()),
        project_id=ProjectId(bytes(16)),
        type="event.x",
        body="{}",
    )
    delivery = Delivery(
        account_id=account_id,
        id=DeliveryId(ids.random()),
        message_id=message.id,
        project_id=message.project_id,
        queue_id=line_.place.id,
        endpoint_id=None,
        transport=Transport.WEBHOOK,
        target="{}",
        policy=STANDARD,
        priority=priority,
        state=State.SENDING,
        due_at=due_at,
    )
    return Job(line_.place, line_.fence, delivery, message, None)


def take(lines: Sequence[Line], slots: int, now: int = NOW) -> list[Line]:
    taken = []
    for one in turns(lines, slots, now):
        one.take(now)
        taken.append(one)
    return taken


# Lines


def test_no_more_are_under_way_than_the_cap_allows() -> None:
    busy = line(100, cap=3)
    assert len(take([busy], 100)) == 3
    busy.answered(NOW, reached=True, manual=False)
    assert busy.free(NOW) == 1


def test_an_answer_makes_room_before_it_is_written() -> None:
    busy = line(2, cap=1)
    take([busy], 10)
    busy.answered(NOW, reached=True, manual=False)
    assert len(take([busy], 10)) == 1
    assert not busy.is_idle(NOW + 10**9, 1)


def test_what_is_taken_out_is_bounded() -> None:
    idle = line()
    idle.settled(NOW)
    idle.unsettled = 0
    room = idle.room(NOW)
    assert room is not None
    assert room.room == AHEAD * CAP
    idle.put([job(idle) for _ in range(room.room)], NOW, NOW)
    assert idle.room(NOW) is None


def test_a_rate_is_kept() -> None:
    slow = line(100, cap=50, rate=10.0)
    begun: list[int] = []
    for now in range(NOW, NOW + 5_000, 5):
        for one in take([slow], 100, now):
            begun.append(now)
            one.answered(now, reached=True, manual=False)
    for first in begun:
        assert sum(first <= at < first + 1_000 for at in begun) <= 20
    assert 45 <= len(begun) <= 60


def test_a_slower_rate_than_one_a_second_is_kept() -> None:
    slow = line(5, rate=0.5)
    assert len(take([slow], 5)) == 1
    slow.answered(NOW, reached=True, manual=False)
    assert slow.wake_at(NOW) == NOW + 2_000
    assert not take([slow], 5, NOW + 1_900)
    assert len(take([slow], 5, NOW + 2_000)) == 1


def test_failures_open_the_circuit_and_one_probe_closes_it() -> None:
    failing = line(100, cap=50)
    for _ in take([failing], 50):
        failing.answered(NOW, reached=False, manual=False)
    assert failing.free(NOW) == 0
    until = failing.wake_at(NOW)
    assert until is not None
    assert until > NOW
    assert len(take([failing], 50, until)) == 1, "one attempt finds out"
    failing.answered(until, reached=True, manual=False)
    assert failing.free(until) == min(50, len(failing.jobs))


def test_what_is_sent_by_hand_says_nothing_of_the_destination() -> None:
    failing = line(FAILURES + 1)
    for _ in range(FAILURES):
        take([failing], 1)
        failing.answered(NOW, reached=False, manual=True)
    assert failing.free(NOW) == 1


# Turns


def test_a_backlog_of_one_account_does_not_delay_another() -> None:
    mine = [line(50, account=b"a" * 16, cap=50) for _ in range(9)]
    other = line(50, account=b"b" * 16, cap=50)
    taken = Counter(one.place.account_id for one in take([*mine, other], 20))
    assert taken == {b"a" * 16: 10, b"b" * 16: 10}


def test_within_an_account_the_longest_wait_goes_first() -> None:
    late, early = line(), line()
    late.put([job(late, due_at=NOW - 10)], None, NOW)
    early.put([job(early, due_at=NOW - 20)], None, NOW)
    assert take([late, early], 2) == [early, late]


def test_a_class_is_a_head_start_and_no_more() -> None:
    high, low, old = line(), line(), line()
    high.put([job(high, priority=Priority.HIGH)], None, NOW)
    low.put([job(low, due_at=NOW - 100_000, priority=Priority.LOW)], None, NOW)
    old.put([job(old, due_at=NOW - 121_000, priority=Priority.LOW)], None, NOW)
    assert take([low, high, old], 3) == [old, high, low]


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 6), st.integers(1, 4)), min_size=1, max_size=12
    ),
    st.integers(0, 30),
)
def test_turns_are_fair_and_use_every_slot(shapes: list[tuple[int, int, int]], slots: int) -> None:
    lines = [line(jobs, account=bytes([owner]) * 16, cap=cap) for owner, jobs, cap in shapes]
    could = [one.free(NOW) for one in lines]
    wanted: Counter[bytes] = Counter()
    for one, free in zip(lines, could, strict=True):
        wanted[one.place.account_id] += free
    given_ = Counter(bytes(one.place.account_id) for one in take(lines, slots))
    assert given_.total() == min(slots, sum(could))
    least = min((given_[who] for who in wanted if given_[who] < wanted[who]), default=0)
    most = max(given_.values(), default=0)
    if any(given_[who] < wanted[who] for who in wanted):
        assert most <= least + 1
