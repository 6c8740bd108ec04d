"""How a mail stands in Emailit's words, whatever has happened to it."""

from typing import Any

import msgspec
import pytest

from gatepost.base import ids
from gatepost.base.ids import AccountId, DeliveryId, MessageId, ProjectId, QueueId
from gatepost.domains.outbox.claims import Ended
from gatepost.domains.outbox.model import (
    Delivery,
    Fault,
    Message,
    Outcome,
    Priority,
    State,
    Transport,
)
from gatepost.domains.outbox.policy import STANDARD
from gatepost.domains.outbox.queues import Place
from gatepost.engine import milestones
from gatepost.engine.compose.mail import Envelope, Written
from gatepost.engine.jobs import Job, Sent

NOW = 1_768_473_000_000
ACCOUNT, PROJECT = AccountId(ids.new()), ProjectId(ids.new())
QUEUE = QueueId(ids.new())
WRITTEN = Written(sender="a@example.com", to=("b@example.com",), subject="Hi", meta={"x": "y"})
MESSAGE = Message(
    account_id=ACCOUNT,
    id=MessageId(ids.new_at(NOW)),
    project_id=PROJECT,
    type=milestones.MAIL,
    body=msgspec.json.encode(WRITTEN).decode(),
)


def delivery(state: State, **more: Any) -> Delivery:
    return Delivery(
        account_id=ACCOUNT,
        id=DeliveryId(ids.new_at(NOW)),
        message_id=MESSAGE.id,
        project_id=PROJECT,
        queue_id=QUEUE,
        endpoint_id=None,
        transport=Transport.EMAIL,
        target=msgspec.json.encode(Envelope("b@example.com")).decode(),
        policy=STANDARD,
        priority=Priority.NORMAL,
        state=state,
        **{"due_at": NOW} | more,
    )


@pytest.mark.parametrize(
    ("state", "more", "status"),
    [
        (State.PENDING, {}, "accepted"),
        (State.PENDING, {"due_at": NOW + 1}, "scheduled"),
        (State.PENDING, {"due_at": NOW + 1, "attempts": 1}, "attempted"),
        (State.SENDING, {}, "accepted"),
        (State.SENDING, {"attempts": 1}, "attempted"),
        (State.WAITING, {}, "accepted"),
        (State.SUCCEEDED, {"attempts": 1}, "delivered"),
        (State.CANCELED, {"attempts": 1}, "canceled"),
        (State.FAILED, {"fault": None}, "failed"),
        *(
            (State.FAILED, {"fault": fault}, "failed")
            for fault in Fault
            if fault not in {Fault.SUPPRESSED, Fault.BOUNCED, Fault.HELD}
        ),
        (State.FAILED, {"fault": Fault.SUPPRESSED}, "suppressed"),
        (State.FAILED, {"fault": Fault.BOUNCED}, "bounced"),
        (State.FAILED, {"fault": Fault.HELD}, "held"),
    ],
    ids=str,
)
def test_every_state_has_a_status(state: State, more: dict[str, Any], status: str) -> None:
    assert milestones.status_of(delivery(state, **more), NOW) == status


def test_what_is_told_of_a_mail() -> None:
    one = delivery(State.SUCCEEDED, attempts=1, started_at=NOW + 5, done_at=NOW + 9)
    assert milestones.mail(MESSAGE, one, "delivered") == {
        "object": "email",
        "id": f"em_{one.id.hex()}",
        "from": "a@example.com",
        "to": "b@example.com",
        "subject": "Hi",
        "status": "delivered",
        "meta": {"x": "y"},
        "created_at": "2026-01-15T10:30:00.000000Z",
        "updated_at": "2026-01-15T10:30:00.009000Z",
    }


def test_what_was_erased_is_not_told() -> None:
    erased = msgspec.structs.replace(MESSAGE, body=None)
    told = milestones.mail(erased, delivery(State.SUCCEEDED), "delivered")
    assert (told["from"], told["subject"], told["meta"]) == (None, None, {})
    assert told["to"] == "b@example.com"


@pytest.mark.parametrize(
    ("response", "error", "enhanced", "said"),
    [
        ("250 2.0.0 taken", None, "2.0.0", "250 2.0.0 taken"),
        ("554 5.7.1 No", "554 5.7.1 No", "5.7.1", "554 5.7.1 No"),
        (None, "No answer within 3 s", None, "No answer within 3 s"),
        ("250 from 10.2.0.1", None, None, "250 from 10.2.0.1"),
        (None, None, None, None),
    ],
)
def test_what_a_server_said_is_told(
    response: str | None, error: str | None, enhanced: str | None, said: str | None
) -> None:
    one = delivery(State.SENDING)
    job = Job(Place(ACCOUNT, QUEUE), 1, one, MESSAGE, None)
    outcome = Outcome(ok=error is None, status=250, response=response, error=error)
    sent = Sent(job, outcome, b"", NOW, NOW, b"")
    end = Ended(one, State.SUCCEEDED, 1, NOW, error, 250, NOW)
    told = milestones._of_try(sent, end).object
    assert (told["smtp_code"], told["smtp_enhanced_code"]) == (250, enhanced)
    assert told["smtp_response"] == said
