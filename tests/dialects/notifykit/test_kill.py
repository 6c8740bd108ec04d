"""A server that is killed amid an attempt: what was accepted is delivered all the same."""

from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from threading import Thread

import httpx2
import pytest

from tests.delivery.conftest import NEAR
from tests.delivery.receiver import Receiver, answers, in_turn, stalls
from tests.dialects.native.wire import at_once
from tests.dialects.notifykit.keeper import Keeper
from tests.dialects.notifykit.sending import ended, listed, reached, refused, try_webhook, webhook
from tests.server import Server, unique
from tests.waiting import wait_for

CROWDS = 10
AT_ONCE = 50


@pytest.fixture
def mortal(tmp_path: Path) -> Iterator[Server]:
    with Server(tmp_path / "data", env=NEAR) as running:
        yield running


def test_a_job_outlives_its_server(mortal: Server, http: httpx2.Client, receiver: Receiver) -> None:
    keeper = Keeper(mortal, http, plan="notifykit-startup")
    url, path = receiver.place(in_turn(stalls, answers(200)))
    mine = webhook(keeper, url, idempotencyKey="one")
    receiver.wait(path, 1)
    assert reached(keeper, mine, "processing")["attempts"] == 1
    mortal.kill()
    mortal.start()
    done = ended(keeper, mine)
    assert (done["status"], done["attempts"]) == ("completed", 1)
    first, second = receiver.at(path)
    assert first.body == second.body
    assert first.header("webhook-id") == second.header("webhook-id")
    refused(try_webhook(keeper, url, idempotencyKey="one"), 409, "Duplicate request detected")
    assert listed(keeper)["pagination"]["total"] == 1


@pytest.mark.timeout(120)
def test_fifty_at_once_with_one_name_are_one_when_the_server_is_killed(
    mortal: Server, http: httpx2.Client, receiver: Receiver
) -> None:
    """Of one name after the other: the server dies amid them, and all are asked again."""
    keeper = Keeper(mortal, http, plan="notifykit-startup")
    places = {unique("order"): receiver.place() for _ in range(CROWDS)}
    replies: list[tuple[str, int]] = []

    def ask(name: str, _at: int) -> None:
        try:
            answer = try_webhook(keeper, places[name][0], idempotencyKey=name)
        except httpx2.TransportError:
            return
        replies.append((name, answer.status_code))

    def ask_all() -> None:
        for name in places:
            at_once(AT_ONCE, partial(ask, name))

    def end() -> None:
        wait_for(lambda: len({name for name, _ in replies}) > CROWDS // 2, "half of the jobs")
        mortal.kill()

    killer = Thread(target=end)
    killer.start()
    ask_all()
    killer.join()
    assert len(replies) < len(places) * AT_ONCE, "it died when all had been answered"
    mortal.start()
    ask_all()
    assert {status for _, status in replies} <= {202, 409}
    taken = Counter(name for name, status in replies if status == 202)
    assert max(taken.values()) == 1
    assert {name for name, _ in replies} == set(places)
    assert listed(keeper)["pagination"]["total"] == CROWDS
    for _, path in places.values():
        receiver.wait(path, 1)
        ids = {one.header("webhook-id") for one in receiver.at(path)}
        assert len(ids) == 1
