"""Messages with a time: when they are sent, and until when."""

from datetime import datetime
from itertools import pairwise

from tests.api.admin import Admin, instant
from tests.delivery.receiver import Receiver, answers
from tests.delivery.sending import await_attempts, await_state, change, changed, send, sent
from tests.dialects.native.wire import refusal_of


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_a_message_is_sent_when_its_time_has_come(admin: Admin, receiver: Receiver) -> None:
    url, path = receiver.place()
    at = instant(seconds=1)
    later = send(admin, url, payload="later", sendAt=at)
    (made,) = later["deliveries"]
    assert (made["state"], moment(made["dueAt"])) == ("pending", _floor(moment(at)))
    now = sent(admin, url, payload="now")
    await_state(admin, now, "succeeded")
    found = await_state(admin, made["id"], "succeeded")
    assert [got.body for got in receiver.at(path)] == [b'"now"', b'"later"']
    assert moment(found["log"][0]["at"]) >= _floor(moment(at))


def _floor(at: datetime) -> datetime:
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


def test_what_comes_too_late_fails(admin: Admin, receiver: Receiver) -> None:
    """The second attempt would be at its end, and is none."""
    url, path = receiver.place(answers(500))
    mine = sent(admin, url, expiresAt=instant(seconds=3), retry={"delaysSeconds": [3.5, 1]})
    found = await_state(admin, mine, "failed")
    assert len(receiver.at(path)) == 1
    assert [one["fault"] for one in found["log"]] == ["status", "expired"]
    refused = refusal_of(change(admin, mine, "replay"), 409, "conflict", "Conflict")
    assert "expired" in refused["message"]


def test_what_comes_in_time_does_not_expire(admin: Admin, receiver: Receiver) -> None:
    url, _ = receiver.place()
    await_state(admin, sent(admin, url, expiresAt=instant(hours=1)), "succeeded")


def test_a_schedule_of_ones_own(admin: Admin, receiver: Receiver) -> None:
    url, path = receiver.place(answers(500))
    delays = [0.3, 0.6]
    mine = sent(admin, url, retry={"delaysSeconds": delays})
    found = await_state(admin, mine, "failed")
    at = [got.at for got in receiver.at(path)]
    waited = [later - earlier for earlier, later in pairwise(at)]
    assert len(waited) == len(delays)
    assert all(wait >= delay for wait, delay in zip(waited, delays, strict=True))
    assert found["attempts"] == len(delays) + 1


def test_no_schedule_means_a_single_attempt(admin: Admin, receiver: Receiver) -> None:
    url, path = receiver.place(answers(500))
    await_state(admin, sent(admin, url, retry={"delaysSeconds": []}), "failed")
    assert len(receiver.at(path)) == 1


def test_after_a_cancel_there_is_no_further_attempt(admin: Admin, receiver: Receiver) -> None:
    url, path = receiver.place(answers(500))
    mine = sent(admin, url, retry={"delaysSeconds": [0.5]})
    await_attempts(admin, mine, 1)
    changed(admin, mine, "cancel")
    other = sent(admin, url, retry={"delaysSeconds": [0.6]})
    await_state(admin, other, "failed")
    ids = [got.header("webhook-id") for got in receiver.at(path)]
    assert len(ids) == 3
    assert len(set(ids[1:])) == 1
