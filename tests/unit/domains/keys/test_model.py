"""How keys look, and the pure rules of their life."""

import secrets

import pytest

from gatepost.base import crypto
from gatepost.domains.keys.model import (
    GRACE_MS_MAX,
    PREFIXES,
    Format,
    check_domain,
    check_import,
    check_limits,
    check_networks,
    format_of,
    mint,
    overlap_until,
    start_of,
)
from gatepost.domains.plans.model import window


@pytest.mark.parametrize("kind", Format)
def test_a_minted_secret_tells_its_format_and_little_more(kind: Format) -> None:
    secret = mint(kind)
    assert format_of(secret) is kind
    assert start_of(secret) == PREFIXES[kind] + secret[len(PREFIXES[kind]) :][:4]
    check_import(secret)


def test_the_checksum_finds_every_single_typo() -> None:
    secret = mint(Format.NATIVE)
    body, check = secret[:-6], secret[-6:]
    assert crypto.checksum(body) == check
    for place in range(8, len(body)):
        for letter in crypto.BASE62.replace(body[place], ""):
            assert crypto.checksum(body[:place] + letter + body[place + 1 :]) != check


def test_the_short_checksum_is_the_beginning_of_a_digest() -> None:
    assert crypto.short_checksum("sk_live_single_4n8jKmPqRs9uVw") == "5d8a"


@pytest.mark.parametrize(
    ("secret", "start"),
    [
        ("secret_AbCdEfGh", "secret_AbCd"),
        ("em_test_AbCdEfGh", "em_test_AbCd"),
        ("AbCdEfGh_IjKlMnOp", "AbCd"),
        ("abcdefghijklmnop_qrst", "abcd"),
        ("abcdefgh", "abcd"),
    ],
)
def test_little_is_shown_of_a_foreign_secret(secret: str, start: str) -> None:
    assert start_of(secret) == start


def test_random_secrets_can_be_imported() -> None:
    for _ in range(200):
        check_import(secrets.token_hex(16))
        check_import(secrets.token_urlsafe(32))


@pytest.mark.parametrize(
    "secret",
    [
        "a" * 200,
        "ab" * 60,
        "secret_" + "0123456789" * 2,
        "correct-horse-battery-staple",
        "Password123Password123Pass",
        "9f86d081884c7d659a2feaa0",
        "0123456789abcdef" * 4,
        "tab\there" + "0123456789abcdef" * 4,
    ],
)
def test_weak_secrets_cannot(secret: str) -> None:
    with pytest.raises(ValueError, match="secret"):
        check_import(secret)


@pytest.mark.parametrize(
    ("grace_ms", "expires_at", "until"),
    [
        (0, None, 1000),
        (-5, None, 1000),
        (500, None, 1500),
        (500, 1200, 1200),
        (500, 1500, 1500),
        (500, 1800, 1500),
        (GRACE_MS_MAX + 1, None, 1000 + GRACE_MS_MAX),
        (10**12, None, 1000 + 604_800_000),
    ],
)
def test_the_old_secret_stays_for_the_grace_but_never_past_the_expiry(
    grace_ms: int, expires_at: int | None, until: int
) -> None:
    assert overlap_until(1000, grace_ms, expires_at) == until


@pytest.mark.parametrize(
    ("name", "normal"),
    [
        ("10.1.2.3", "10.1.2.3/32"),
        ("10.1.2.3/8", "10.0.0.0/8"),
        ("2001:DB8::1/32", "2001:db8::/32"),
        ("::1", "::1/128"),
        ("::ffff:10.0.0.1", "10.0.0.1/32"),
        ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
        ("::/0", "::/0"),
    ],
)
def test_networks_get_one_normal_form(name: str, normal: str) -> None:
    assert check_networks((name, name)) == (normal,)


@pytest.mark.parametrize("name", ["", "10.0.0.0/33", "10.0.0", "example.org", "10.0.0.1 ", "*"])
def test_malformed_networks_are_refused(name: str) -> None:
    with pytest.raises(ValueError):
        check_networks((name,))


def test_two_limits_of_one_length_are_refused() -> None:
    check_limits((window(1, 1), window(1, 2)))
    with pytest.raises(ValueError, match="same length"):
        check_limits((window(1, 60), window(2, 60)))
    with pytest.raises(ValueError, match="at most"):
        check_limits(tuple(window(1, seconds) for seconds in range(1, 10)))


@pytest.mark.parametrize("name", ["", "localhost", "-a.org", "a..org", "a b.org", "a.1", "é.org"])
def test_malformed_domains_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="domain"):
        check_domain(name)


def test_domains_get_one_normal_form() -> None:
    assert check_domain(" Mail.Example.ORG. ") == "mail.example.org"
