"""Messages with an ordering key go one after the other."""

from concurrent.futures import ThreadPoolExecutor

from tests.api.admin import Admin, instant
from tests.delivery.receiver import Exchange, Receiver, answers, in_turn
from tests.delivery.sending import (
    await_attempts,
    await_state,
    change,
    changed,
    delivery,
    sent,
)
from tests.dialects.native.wire import data_of, refusal_of

LATER = {"delaysSeconds": [3600]}


def test_they_arrive_in_the_order_in_which_they_were_sent(admin: Admin, receiver: Receiver) -> None:
    under_way = 0
    most = 0

    async def does(exchange: Exchange) -> None:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await exchange.answer(200)
        under_way -= 1

    url, path = receiver.place(does)
    ids = [sent(admin, url, payload=number, orderingKey="one") for number in range(30)]
    for one in ids:
        await_state(admin, one, "succeeded")
    assert [int(got.body) for got in receiver.at(path)] == list(range(30))
    assert most == 1


def test_they_wait_visibly_until_the_first_one_is_skipped(admin: Admin, receiver: Receiver) -> None:
    url, path = receiver.place(in_turn(answers(500), answers(200)))
    head = sent(admin, url, payload=0, orderingKey="one", retry=LATER)
    await_attempts(admin, head, 1)
    waiting = [sent(admin, url, payload=number, orderingKey="one") for number in (1, 2)]
    free = sent(admin, url, payload="other", orderingKey="two")
    await_state(admin, free, "succeeded")
    assert [delivery(admin, one)["state"] for one in waiting] == ["waiting", "waiting"]
    listed = admin.get("/v1/deliveries?state=waiting")["deliveries"]
    assert [one["id"] for one in listed] == waiting[::-1]
    for verb in ("skip", "replay"):
        refusal_of(change(admin, waiting[0], verb), 409, "conflict", "Conflict")
    refusal_of(change(admin, free, "skip"), 409, "conflict", "Conflict")
    assert changed(admin, head, "skip")["state"] == "canceled"
    for one in waiting:
        await_state(admin, one, "succeeded")
    assert [got.body for got in receiver.at(path)] == [b"0", b'"other"', b"1", b"2"]


def test_a_failure_lets_the_next_one_go(admin: Admin, receiver: Receiver) -> None:
    url, path = receiver.place(in_turn(answers(500), answers(200)))
    first = sent(admin, url, payload=1, orderingKey="one", retry="once")
    second = sent(admin, url, payload=2, orderingKey="one")
    await_state(admin, first, "failed")
    await_state(admin, second, "succeeded")
    assert [got.body for got in receiver.at(path)] == [b"1", b"2"]


def test_one_that_waits_is_canceled_alone(admin: Admin, receiver: Receiver) -> None:
    url, path = receiver.place()
    head = sent(admin, url, payload=0, orderingKey="one", sendAt=instant(hours=1))
    middle, last = (sent(admin, url, payload=number, orderingKey="one") for number in (1, 2))
    assert changed(admin, middle, "cancel")["state"] == "canceled"
    assert delivery(admin, last)["state"] == "waiting"
    changed(admin, head, "cancel")
    await_state(admin, last, "succeeded")
    assert [got.body for got in receiver.at(path)] == [b"2"]


def test_keys_of_other_destinations_and_none_do_not_wait(admin: Admin, receiver: Receiver) -> None:
    url, _ = receiver.place()
    sent(admin, "https://nowhere.example/", orderingKey="one", sendAt=instant(hours=1))
    for one in (sent(admin, url, orderingKey="one"), sent(admin, url)):
        await_state(admin, one, "succeeded")


def test_what_is_replayed_keeps_its_order(admin: Admin, receiver: Receiver) -> None:
    url, path = receiver.place(in_turn(*5 * [answers(500)], answers(200)))
    ids = [sent(admin, url, payload=number, orderingKey="one", retry="once") for number in range(5)]
    for one in ids:
        await_state(admin, one, "failed")
    body = {"transport": "webhook"}
    assert data_of(admin.send("POST", "/v1/deliveries/replay", body), 200)["replayed"] == 5
    for one in ids:
        await_state(admin, one, "succeeded")
    assert [int(got.body) for got in receiver.at(path)] == 2 * list(range(5))


def test_nobody_waits_for_ever(admin: Admin, receiver: Receiver) -> None:
    """Whatever is sent, canceled and skipped at the same moment."""
    url, _ = receiver.place()

    def send_and_change(number: int) -> str:
        made = sent(admin, url, orderingKey=f"key-{number % 3}")
        if number % 4 == 0:
            change(admin, made, "cancel")
        if number % 7 == 0:
            change(admin, made, "skip")
        return made

    with ThreadPoolExecutor(12) as pool:
        ids = list(pool.map(send_and_change, range(120)))
    for one in ids:
        await_state(admin, one, "succeeded", "canceled")


def test_a_replay_waits_for_the_one_under_way(admin: Admin, receiver: Receiver) -> None:
    url, path = receiver.place(in_turn(answers(500), answers(500), answers(200)))
    failed = sent(admin, url, payload=1, orderingKey="one", retry="once")
    await_state(admin, failed, "failed")
    head = sent(admin, url, payload=2, orderingKey="one", retry=LATER)
    await_attempts(admin, head, 1)
    assert changed(admin, failed, "replay")["state"] == "waiting"
    changed(admin, head, "replay")
    for one in (head, failed):
        await_state(admin, one, "succeeded")
    assert [got.body for got in receiver.at(path)] == [b"1", b"2", b"2", b"1"]
