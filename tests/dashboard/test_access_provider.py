"""Signing in at a provider of OpenID Connect, which may mean harm."""

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.dashboard.entering import Entrance
from tests.dashboard.issuer import CLIENT, SECRET, Issuer
from tests.dashboard.visitor import COOKIE, Visitor
from tests.server import Server, unique

CALLBACK = "/dashboard/sign-in/callback"


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    with Issuer() as running:
        yield running


@pytest.fixture(scope="module")
def place(issuer: Issuer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of its own, whose operators may sign in there."""
    env = {
        "GATEPOST_OIDC_ISSUER": issuer.url,
        "GATEPOST_OIDC_CLIENT_ID": CLIENT,
        "GATEPOST_OIDC_CLIENT_SECRET": SECRET,
        "GATEPOST_OIDC_NAME": "Acme <b>",
        "GATEPOST_DELIVERY_NETWORKS": "127.0.0.0/8",
        "GATEPOST_SIGN_INS_PER_MINUTE": "1000000",
    }
    with Server(tmp_path_factory.mktemp("provider") / "data", env=env) as running:
        yield running


@pytest.fixture
def entering(place: Server, issuer: Issuer) -> Iterator[Entrance]:
    issuer.claims, issuer.signed_by, issuer.algorithm = {}, issuer.key, "RS256"
    issuer.called = None
    with Entrance(place) as made:
        yield made


def go(browser: Visitor, issuer: Issuer, **changed: str) -> httpx2.Response:
    """There and back; the answer to what comes back."""
    there = browser.ask("/dashboard/sign-in/provider?next=/dashboard/you")
    assert there.status_code == 303, there.text
    back = issuer.consent(there.headers["location"]) | changed
    return browser.ask(CALLBACK, params=back)


def test_an_operator_comes_in(entering: Entrance, issuer: Issuer) -> None:
    person = entering.enroll(entering.server.make_account())
    browser = entering.browser(person.account)
    page = browser.open("/dashboard/sign-in")
    assert "/dashboard/sign-in/provider" in page.link("Sign in with Acme <b>")
    issuer.claims = {"email": person.email.upper(), "name": "Grace"}
    answer = go(browser, issuer)
    assert (answer.status_code, answer.headers["location"]) == (303, "/dashboard/you")
    assert person.email in browser.open("/dashboard/you").text


def test_somebody_invited_becomes_a_member(entering: Entrance, issuer: Issuer) -> None:
    owner = entering.enroll(entering.server.make_account())
    email = f"{unique('new')}@example.com"
    owner.browser.submit(owner.browser.open("members"), "Invite", email=email, role="viewer")
    browser = entering.browser(owner.account)
    issuer.claims = {"email": email, "name": "New Person"}
    assert go(browser, issuer).status_code == 303
    assert "New Person" in browser.open("members").text
    assert "Ask for a link" in browser.open("/dashboard/you").text


def test_strangers_stay_outside(entering: Entrance, issuer: Issuer) -> None:
    browser = entering.browser()
    issuer.claims = {"email": f"{unique('stranger')}@example.com"}
    answer = go(browser, issuer)
    assert answer.status_code == 403
    assert "or invited" in answer.text
    assert COOKIE not in browser.client.cookies


@pytest.mark.parametrize(
    "claims",
    [
        {"email_verified": False},
        {"email_verified": None},
        {"email_verified": "true"},
        {"email": None},
        {"email": ["x"]},
        {"nonce": "another"},
        {"nonce": None},
        {"aud": "somebody else"},
        {"aud": [CLIENT, "another"]},
        {"iss": "https://evil.example"},
        {"exp": 1},
        {"exp": None},
        {"sub": None},
        {"iat": 9_999_999_999},
    ],
)
def test_a_token_that_is_not_right_proves_nothing(
    entering: Entrance, issuer: Issuer, claims: dict[str, Any]
) -> None:
    person = entering.enroll(entering.server.make_account())
    browser = entering.browser(person.account)
    issuer.claims = {"email": person.email} | claims
    assert go(browser, issuer).status_code == 403
    assert COOKIE not in browser.client.cookies


def test_signatures_count(entering: Entrance, issuer: Issuer) -> None:
    person = entering.enroll(entering.server.make_account())
    browser = entering.browser(person.account)
    issuer.claims = {"email": person.email}
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    shared = "a secret of at least thirty-two bytes"
    for signed_by, algorithm in ((other, "RS256"), (shared, "HS256"), (None, "none")):
        issuer.signed_by, issuer.algorithm = signed_by, algorithm
        assert go(browser, issuer).status_code == 403


def test_what_comes_back_belongs_to_the_browser_that_asked(
    entering: Entrance, issuer: Issuer
) -> None:
    person = entering.enroll(entering.server.make_account())
    issuer.claims = {"email": person.email}
    browser, victim = entering.browser(), entering.browser()
    assert go(browser, issuer, state="another").status_code == 403
    there = browser.ask("/dashboard/sign-in/provider")
    back = issuer.consent(there.headers["location"])
    assert victim.ask(CALLBACK, params=back).status_code == 403
    assert browser.ask(CALLBACK, params={**back, "code": ""}).status_code == 403
    assert browser.ask(CALLBACK, params=back).status_code == 303
    assert browser.ask(CALLBACK, params=back).status_code == 403


def test_a_second_factor_is_asked_for_all_the_same(entering: Entrance, issuer: Issuer) -> None:
    person = entering.enroll(entering.server.make_account())
    entering.server.query("UPDATE operators SET totp = ? WHERE email = ?", b"x", person.email)
    issuer.claims = {"email": person.email}
    answer = go(entering.browser(), issuer)
    assert answer.headers["location"].startswith("/dashboard/sign-in/code")


def test_a_provider_that_calls_itself_otherwise_is_not_asked(
    entering: Entrance, issuer: Issuer
) -> None:
    issuer.called = "https://evil.example"
    assert entering.browser().ask("/dashboard/sign-in/provider").status_code == 503


def test_without_a_provider_there_is_no_such_way(server: Server, entrance: Entrance) -> None:
    browser = entrance.browser()
    assert browser.ask("/dashboard/sign-in/provider").status_code == 404
    assert browser.ask(CALLBACK).status_code == 404
    assert "Sign in with" not in browser.open("/dashboard/sign-in").text
