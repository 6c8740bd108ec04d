import pytest

from gatepost.base.config import Settings
from gatepost.base.ids import AccountId
from gatepost.engine import unsubscribe
from gatepost.engine.unsubscribe import Leaving

PEPPER = b"p" * 32
LEAVING = Leaving(AccountId(bytes(range(16))), "jürgen@example.com")


def test_a_link_says_who_leaves_whom() -> None:
    settings = Settings(public_url="https://gate.example.com/")
    link = unsubscribe.link(settings, PEPPER, LEAVING)
    base, _, token = link.partition("?t=")
    assert base == "https://gate.example.com/unsubscribe"
    assert unsubscribe.read(PEPPER, token) == LEAVING


def test_another_pepper_reads_nothing() -> None:
    assert unsubscribe.read(b"q" * 32, unsubscribe.write(PEPPER, LEAVING)) is None


@pytest.mark.parametrize("place", range(0, 60, 7))
def test_a_changed_link_says_nothing(place: int) -> None:
    token = unsubscribe.write(PEPPER, LEAVING)
    other = "A" if token[place] != "A" else "B"
    assert unsubscribe.read(PEPPER, token[:place] + other + token[place + 1 :]) is None


@pytest.mark.parametrize("token", ["", "x", "ü", "=", "A" * 43, "A" * 10_000])
def test_what_is_no_link(token: str) -> None:
    assert unsubscribe.read(PEPPER, token) is None
