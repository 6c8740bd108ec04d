"""E-mails: what a plan asks for, whom they are from, and through whom they leave."""

from typing import Any

import httpx2
import pytest

from gatepost.dialects.notifykit import rules
from tests.delivery.mails import make_smtp, somebody
from tests.delivery.receiver import Receiver, answers, in_turn
from tests.delivery.smtp import Mailserver
from tests.dialects.notifykit.keeper import Keeper, sentence, told
from tests.dialects.notifykit.sending import (
    USUAL,
    Provider,
    email,
    ended,
    job,
    logs,
    pending,
    providers,
    refused,
    retry,
    trusted,
    try_email,
)
from tests.server import Server

FAILED = "Configured provider(s) failed: "


@pytest.fixture
def indie(quick: Server, http: httpx2.Client) -> Keeper:
    return Keeper(quick, http)


def caught(keeper: Keeper, to: str) -> dict[str, Any]:
    """The mail that was kept here instead of being sent on."""
    (found,) = keeper.native(f"/v1/mailbox?recipient={to}")["mails"]
    return dict(found)


# Gates


def test_what_a_paid_plan_needs(indie: Keeper, receiver: Receiver) -> None:
    refused(try_email(indie), 403, rules.NO_PROVIDER)
    provider = Provider(indie, receiver, "RESEND")
    refused(try_email(indie), 403, rules.NO_DOMAIN)
    name = pending(indie)
    refused(try_email(indie), 403, rules.PENDING_DOMAIN)
    indie.server.cli("domain", "add", name, "--trust", "--account", indie.id)
    assert ended(indie, email(indie))["status"] == "completed"
    indie.admin.send("PATCH", f"/v1/mailers/{provider.made['id']}", {"enabled": False})
    refused(try_email(indie), 403, rules.NO_PROVIDER)


def test_the_gates_come_after_the_body_and_before_the_name(
    indie: Keeper, receiver: Receiver
) -> None:
    refused(try_email(indie, fallback="RESEND"), 403, rules.NO_PROVIDER)
    refused(try_email(indie, priority=2, fallback="RESEND"), 400, sentence_of_priority())
    Provider(indie, receiver, "RESEND")
    trusted(indie)
    email(indie, idempotencyKey="one")
    foreign = {"from": "x@elsewhere.example.org"}
    assert try_email(indie, idempotencyKey="one", **foreign).status_code == 403
    assert try_email(indie, idempotencyKey="one").status_code == 409


def sentence_of_priority() -> str:
    return "priority must be one of the following values: 1, 5, 10"


def test_a_retry_asks_again(indie: Keeper, receiver: Receiver) -> None:
    provider = Provider(indie, receiver, "RESEND")
    trusted(indie)
    provider.does(answers(422, b'{"message":"No"}'))
    mine = email(indie)
    assert ended(indie, mine)["errorMessage"] == "422 - No"
    change = {"enabled": False}
    indie.admin.send("PATCH", f"/v1/mailers/{provider.made['id']}", change)
    refused(retry(indie, mine), 403, rules.NO_PROVIDER)
    indie.admin.send("PATCH", f"/v1/mailers/{provider.made['id']}", {"enabled": True})
    provider.does(answers(200))
    assert retry(indie, mine).status_code == 200
    assert ended(indie, mine)["status"] == "completed"


# Senders


def test_whom_it_is_from(indie: Keeper, receiver: Receiver) -> None:
    provider = Provider(indie, receiver, "RESEND")
    first = trusted(indie)
    second = trusted(indie)
    for given, used in (
        ({}, f"noreply@em.{first}"),
        ({"from": f"jane+x@{first}"}, f"jane+x@em.{first}"),
        ({"from": f"Jane@{second.upper()}"}, f"Jane@em.{second}"),
        ({"from": f"jane@em.{second}"}, f"jane@em.{second}"),
    ):
        mine = email(indie, **given)
        assert ended(indie, mine)["status"] == "completed"
        assert provider.asked[-1]["from"] == used


def test_whom_it_cannot_be_from(indie: Keeper, receiver: Receiver) -> None:
    Provider(indie, receiver, "RESEND", anySender=True)
    first, later = trusted(indie), pending(indie)
    for given, why in (
        ("x@elsewhere.example.org", f"Use your verified domain {first} instead."),
        (f"x@sub.{first}", f"Use your verified domain {first} instead."),
        (f"x@{later}", f"Domain {later} is not yet verified."),
        (f"x@em.{later}", f"Domain {later} is not yet verified."),
        ("x@notifykit.dev", f"Only {USUAL} is allowed."),
    ):
        words = f"Cannot send from {given}. {why}"
        refused(try_email(indie, **{"from": given}), 403, words)
    second = trusted(indie)
    words = f"Cannot send from x@example.org. Use one of your verified domains: {first}, {second}."
    refused(try_email(indie, **{"from": "x@example.org"}), 403, words)


def test_another_accounts_domain_is_foreign(
    indie: Keeper, stranger: Keeper, receiver: Receiver
) -> None:
    Provider(indie, receiver, "RESEND", anySender=True)
    mine, theirs = trusted(indie), trusted(stranger)
    for given in (f"x@{theirs}", f"x@em.{theirs}"):
        words = f"Cannot send from {given}. Use your verified domain {mine} instead."
        refused(try_email(indie, **{"from": given}), 403, words)


def test_it_is_asked_again_when_it_is_sent(indie: Keeper, receiver: Receiver) -> None:
    """The domain has gone meanwhile; even a provider that takes any sender is not asked."""
    provider = Provider(indie, receiver, "RESEND", anySender=True)
    provider.does(in_turn(answers(500), answers(200)))
    name = trusted(indie)
    mine = email(indie)
    receiver.wait(provider.path, 1)
    (domain,) = indie.native("/v1/domains")["domains"]
    assert indie.admin.send("DELETE", f"/v1/domains/{domain['id']}").status_code == 200
    done = ended(indie, mine)
    assert (done["status"], logs(done)) == ("failed", ["failed", "failed"])
    assert done["errorMessage"] == f"em.{name} is not a verified sending domain"
    assert providers(done) == ["RESEND", None]
    assert len(provider.asked) == 1


def test_without_a_provider_of_ones_own_it_does_not_leave(
    indie: Keeper, receiver: Receiver
) -> None:
    provider = Provider(indie, receiver, "RESEND")
    provider.does(answers(500))
    trusted(indie)
    to = somebody()
    mine = email(indie, to)
    receiver.wait(provider.path, 1)
    assert indie.admin.send("DELETE", f"/v1/mailers/{provider.made['id']}").status_code == 200
    assert ended(indie, mine)["status"] == "failed"
    assert indie.native(f"/v1/mailbox?recipient={to}")["mails"] == []


def test_the_free_plan_has_one_sender(poor: Keeper) -> None:
    to = somebody()
    assert ended(poor, email(poor, to))["status"] == "completed"
    assert caught(poor, to)["from"] == USUAL
    assert ended(poor, email(poor, **{"from": USUAL}))["status"] == "completed"
    refused(try_email(poor, **{"from": "x@example.org"}), 403, rules.FREE_SENDER)
    words = f"Cannot send from x@notifykit.dev. Only {USUAL} is allowed."
    refused(try_email(poor, **{"from": "x@notifykit.dev"}), 403, words)


def test_a_plan_of_another_kind(quick: Server, http: httpx2.Client) -> None:
    """The engine's own rules hold: no domain is needed, another's is refused all the same."""
    keeper = Keeper(quick, http, plan="unlimited")
    to = somebody()
    assert ended(keeper, email(keeper, to))["status"] == "completed"
    assert caught(keeper, to)["from"] == USUAL
    with Mailserver() as server:
        make_smtp(keeper.admin, server, anySender=False)
        answer = try_email(keeper, **{"from": "x@example.org"})
        words = "Cannot send from x@example.org. example.org is not a verified sending domain."
        refused(answer, 403, words)
        name = trusted(keeper)
        mine = email(keeper, to, **{"from": f"x@{name}"})
        done = ended(keeper, mine)
        assert (done["status"], providers(done)) == ("completed", ["SMTP"])
        assert server.one(to).message["From"] == f"x@{name}"


# Providers


def test_one_after_the_other_within_an_attempt(indie: Keeper, receiver: Receiver) -> None:
    trusted(indie)
    third = Provider(indie, receiver, "POSTMARK", priority=3)
    first = Provider(indie, receiver, "SENDGRID", priority=1)
    second = Provider(indie, receiver, "RESEND", priority=2)
    first.does(answers(500, b'{"errors":[{"message":"Broken"}]}'))
    second.does(answers(422, b'{"message":"No"}'))
    done = ended(indie, email(indie, body="<p>Hällo</p>"))
    assert (done["status"], providers(done)) == ("completed", ["POSTMARK"])
    assert [len(one.asked) for one in (first, second, third)] == [1, 1, 1]
    assert third.asked[0]["HtmlBody"] == "<p>Hällo</p>"
    assert "TextBody" not in third.asked[0]


def test_all_of_them_fail(indie: Keeper, receiver: Receiver) -> None:
    trusted(indie)
    first = Provider(indie, receiver, "SENDGRID", priority=1)
    second = Provider(indie, receiver, "RESEND", priority=2)
    for one in (first, second):
        one.does(answers(500, b'{"errors":[{"message":"Broken"}]}'))
    mine = email(indie)
    done = ended(indie, mine)
    assert (done["status"], done["attempts"]) == ("failed", 3)
    assert done["errorMessage"] == "500 - Broken"
    assert providers(done) == ["RESEND"] * 3
    assert [len(one.asked) for one in (first, second)] == [3, 3]


def test_one_that_is_forced(indie: Keeper, receiver: Receiver) -> None:
    trusted(indie)
    other = Provider(indie, receiver, "RESEND", priority=1)
    forced = Provider(indie, receiver, "SENDGRID", priority=2)
    assert providers(ended(indie, email(indie, provider="SENDGRID"))) == ["SENDGRID"]
    forced.does(answers(503, b'{"errors":[{"message":"Later"}]}'))
    mine = email(indie, provider="SENDGRID")
    done = ended(indie, mine)
    assert (done["status"], done["attempts"]) == ("failed", 1)
    assert done["errorMessage"] == f"{FAILED}503 - Later"
    assert done["payload"]["provider"] == "SENDGRID"
    assert other.asked == []


def test_one_that_is_forced_with_another_behind_it(indie: Keeper, receiver: Receiver) -> None:
    name = trusted(indie)
    last = Provider(indie, receiver, "POSTMARK", priority=1)
    forced = Provider(indie, receiver, "SENDGRID", priority=2)
    behind = Provider(indie, receiver, "RESEND", priority=3)
    forced.does(answers(500))
    given = {"provider": "SENDGRID", "fallback": "RESEND", "from": f"x@{name}"}
    done = ended(indie, email(indie, **given))
    assert (done["status"], providers(done)) == ("completed", ["RESEND"])
    behind.does(answers(422, b'{"message":"No"}'))
    to = somebody()
    done = ended(indie, email(indie, to, **given))
    assert (done["status"], done["errorMessage"]) == ("failed", f"{FAILED}422 - No")
    assert done["payload"] == {"to": to, "subject": "Hello", "body": "<p>Hi</p>", **given}
    assert last.asked == []


def test_who_is_not_connected(indie: Keeper, poor: Keeper, receiver: Receiver) -> None:
    trusted(indie)
    Provider(indie, receiver, "RESEND")
    words = "provider SENDGRID is not configured for this customer."
    refused(try_email(indie, provider="SENDGRID"), 400, f"P{words[1:]}")
    both = {"provider": "RESEND", "fallback": "SENDGRID"}
    refused(try_email(indie, **both), 400, f"Fallback {words}")
    refused(try_email(poor, provider="RESEND"), 403, rules.FREE_ROUTING)
    refused(try_email(poor, fallback="RESEND"), 400, rules.LONELY_FALLBACK)


def test_the_free_plan_is_not_told_who(poor: Keeper, receiver: Receiver) -> None:
    provider = Provider(poor, receiver, "RESEND", anySender=True)
    done = ended(poor, email(poor))
    assert (done["status"], providers(done)) == ("completed", [None])
    assert len(provider.asked) == 1


def test_what_it_said_is_forgotten(indie: Keeper, receiver: Receiver) -> None:
    trusted(indie)
    provider = Provider(indie, receiver, "RESEND")
    provider.does(in_turn(answers(500), answers(200)))
    mine = email(indie, body="<p>secret</p>")
    receiver.wait(provider.path, 1)
    assert job(indie, mine)["payload"]["body"] == "<p>secret</p>"
    assert ended(indie, mine)["payload"] is None
    delivery = mine.replace("job_", "delivery_")
    message = indie.native(f"/v1/deliveries/{delivery}")["messageId"]
    assert "secret" not in str(indie.native(f"/v1/messages/{message}"))


def test_a_server_that_refuses(indie: Keeper) -> None:
    trusted(indie)
    to = somebody()
    with Mailserver() as server:
        make_smtp(indie.admin, server)
        server.refuses[to] = "550 5.7.1 not from you"
        done = ended(indie, email(indie, to))
    assert (done["status"], done["attempts"]) == ("failed", 1)
    assert done["errorMessage"] == "550 - 5.7.1 not from you"
    assert providers(done) == ["SMTP"]


def test_a_key_that_is_bound_to_a_domain(indie: Keeper, receiver: Receiver) -> None:
    provider = Provider(indie, receiver, "RESEND")
    first, second = trusted(indie), trusted(indie)
    bound = indie.admin.make(sendingDomain=second, scopes=["full"], limits=[])["key"]
    mine = {"to": somebody(), "subject": "Hello", "body": "Hi", "from": f"x@{second}"}
    path = "/api/v1/notifications/email"
    assert indie.send("POST", path, mine, key=bound).status_code == 202
    receiver.wait(provider.path, 1)
    answer = indie.send("POST", path, mine | {"from": f"x@{first}"}, key=bound)
    assert sentence(answer) == (403, f"This key sends from {second} alone")


def test_emails_of_a_key_on_hold_fail_until_they_are_sent_once_more(poor: Keeper) -> None:
    place = f"/v1/keys/{poor.key.id}"
    assert poor.admin.send("PATCH", place, {"holdMails": True}).status_code == 200
    job_id = email(poor)
    failed = ended(poor, job_id)
    assert (failed["status"], failed["errorMessage"]) == ("failed", "Mails of this key are held")
    assert poor.admin.send("PATCH", place, {"holdMails": False}).status_code == 200
    assert told(retry(poor, job_id))["status"] == "pending"
    assert ended(poor, job_id)["status"] == "completed"
