"""Messages for browsers alone: the example of RFC 8291, and what must not be accepted."""

import pytest

from gatepost.delivery import webpush
from gatepost.engine import subscribe
from gatepost.engine.compose import push
from gatepost.engine.compose.push import Shown
from tests.delivery.pushservice import decode, open_sealed

# RFC 8291, section 5 and appendix A.
PLAIN = b"When I grow up, I want to be a watermelon"
AUTH = "BTBZMqHH6r4Tts7J_aSIgg"
SALT = "DGv6ra1nlYgDCS1FRnbzlw"
SENDER = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"
RECEIVER = "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94"
RECEIVER_PUBLIC = (
    "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
)
SEALED = (
    "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27ml"
    "mlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPT"
    "pK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
)


def test_the_example_of_the_standard() -> None:
    key, salt = subscribe.private_key(decode(SENDER)), decode(SALT)
    sealed = webpush.encrypt(PLAIN, RECEIVER_PUBLIC, AUTH, key=key, salt=salt)
    assert sealed == decode(SEALED)


def test_the_tests_browser_reads_the_example() -> None:
    key = subscribe.private_key(decode(RECEIVER))
    assert open_sealed(decode(SEALED), key, decode(AUTH)) == PLAIN


def test_no_two_are_alike() -> None:
    sealed = {webpush.encrypt(PLAIN, RECEIVER_PUBLIC, AUTH)[:86] for _ in range(10)}
    assert len(sealed) == 10
    assert len({one[:16] for one in sealed}) == 10


def test_the_longest_fits() -> None:
    assert len(webpush.encrypt(b"x" * (push.BYTES_MAX + 93), RECEIVER_PUBLIC, AUTH)) == 4096


@pytest.mark.parametrize("body", ["x" * 5000, "ü" * 5000, '"' * 5000, "🙂" * 5000, "a🙂" * 3000])
def test_what_is_too_long_is_cut(body: str) -> None:
    whole = push.cut(Shown("Title", body))
    assert 3500 < len(whole) <= push.BYTES_MAX
    assert push.CUT in whole.decode()


def test_what_is_not_too_long_is_not_cut() -> None:
    assert push.CUT not in push.cut(Shown("Title", "x" * 2000)).decode()


@pytest.mark.parametrize(
    ("p256dh", "auth", "wrong"),
    [
        (RECEIVER_PUBLIC, AUTH, ""),
        (RECEIVER_PUBLIC + "=", AUTH + "==", ""),
        (RECEIVER_PUBLIC[:-2], AUTH, "p256dh"),
        ("B" + "A" * 86, AUTH, "p256dh"),
        ("A" + RECEIVER_PUBLIC[1:], AUTH, "p256dh"),
        ("AyVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcx", AUTH, "p256dh"),
        ("ü", AUTH, "p256dh"),
        ("", AUTH, "p256dh"),
        (RECEIVER_PUBLIC, AUTH[:-2], "auth"),
        (RECEIVER_PUBLIC, "!" * 22, "auth"),
        (RECEIVER_PUBLIC, "", "auth"),
    ],
)
def test_keys_of_browsers_are_checked(p256dh: str, auth: str, wrong: str) -> None:
    assert subscribe.problem(p256dh, auth) == wrong
