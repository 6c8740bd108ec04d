"""What becomes of a text for a chat, and what is blanked out of a service's answer."""

import pytest

from gatepost.delivery.chat import judge, scrub, secrets_of
from gatepost.delivery.tether import Heard
from gatepost.domains.outbox.model import Fault, Outcome
from gatepost.engine.compose import chat


def judged(*heard: Heard, said: tuple[str, ...] = (), ok: bool = False) -> Outcome:
    return judge(heard, said, 0, ok=ok)


def test_what_was_taken_is_done() -> None:
    assert judged(Heard(200), ok=True) == Outcome(ok=True, status=200, response="")


@pytest.mark.parametrize(
    ("status", "permanent", "reached"),
    [
        (200, False, True),  # the service says so in its body
        (400, True, True),
        (404, True, True),
        (408, False, True),
        (429, False, True),
        (500, False, False),
        (503, False, False),
    ],
)
def test_a_refusal_by_its_status(status: int, permanent: bool, reached: bool) -> None:
    outcome = judged(Heard(status, "body"), said=("Failed",))
    assert (outcome.fault, outcome.error) == (Fault.PROVIDER, "Failed")
    assert (outcome.permanent, outcome.reached) == (permanent, reached)


def test_a_redirect() -> None:
    outcome = judged(Heard(302))
    assert (outcome.fault, outcome.error) == (
        Fault.REDIRECT,
        "302: redirects are not followed",
    )


def test_the_last_of_several_requests_counts() -> None:
    outcome = judged(Heard(200), Heard(fault=Fault.TLS, text="No secure connection"))
    assert (outcome.fault, outcome.error) == (Fault.TLS, "No secure connection")
    assert not outcome.permanent
    assert not outcome.reached


def test_what_was_never_sent_is_not_tried_again() -> None:
    outcome = judged(said=("one", "two"))
    assert (outcome.fault, outcome.error) == (Fault.CONFIGURATION, "one; two")
    assert outcome.permanent


def test_how_long_a_service_wants_to_be_left_alone() -> None:
    assert judged(Heard(429, retry_after="7")).retry_after_ms == 7000


@pytest.mark.parametrize(
    ("url", "text", "left"),
    [
        (
            "gotifys://gotify.example.com/AbCdEf123",
            "POST https://gotify.example.com/message?token=AbCdEf123 failed",
            "POST https://gotify.example.com/message?token=… failed",
        ),
        ("jsons://me:p%40ss%20word@h.test/x", "p@ss word, p%40ss%20word", "…, …"),
        ("discord://4711471147/token-token", "webhooks/4711471147/token-token", "webhooks/…"),
        ("tgram://123:AAbb_cc/-100200", "bot123:AAbb_cc to -100200", "bot123:… to …"),
        ("jsons://h.test/hook?+X-Key=hidden", "X-Key: hidden", "…: …"),
    ],
)
def test_what_a_service_repeats_is_blanked_out(url: str, text: str, left: str) -> None:
    assert scrub(text, secrets_of(url, chat.shown(url))) == left


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("gotifys://user:word@gotify.example.com:8443/token", "gotifys://gotify.example.com:8443"),
        ("json://[::1]:80/x", "json://[::1]:80"),
        ("ntfy://topic", "ntfy://…"),
        ("matrixs://token@example.com", "matrixs://…"),
        ("slack://a/b/c", "slack://…"),
        ("https://hooks.slack.com/services/T/B/x", "slack://…"),
        ("https://discord.com/api/webhooks/1/x", "discord://…"),
        ("HTTPS://Discord.com:443/api/webhooks/1/x", "discord://…"),
        ("https://prod-1.westeurope.logic.azure.com:443/workflows/1?sig=x", "workflows://…"),
    ],
)
def test_what_may_be_shown_of_a_url(url: str, shown: str) -> None:
    assert chat.shown(url) == shown
