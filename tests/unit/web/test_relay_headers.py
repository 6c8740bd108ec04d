"""Headers on their way to an upstream and back, addresses, signatures."""

import ipaddress

import pytest

from gatepost.base.errors import AppError
from gatepost.delivery import addresses
from gatepost.web.relay import headers, signing

KEY = "emitkit_0123456789"


def test_what_connection_names_stays() -> None:
    given = [
        (b"connection", b"close, X-One"),
        (b"connection", b"x-two"),
        (b"x-one", b"1"),
        (b"x-two", b"2"),
        (b"x-three", b"3"),
    ]
    assert headers.onward(given, KEY) == [("x-three", "3")]
    assert headers.back(given, bodiless=False) == [(b"x-three", b"3")]


@pytest.mark.parametrize(
    "name", ["authorization", "x-api-key", "x-gatepost-account", "x_gatepost_account", "te"]
)
def test_what_is_ours_or_the_gates_stays(name: str) -> None:
    assert headers.onward([(name.encode(), b"x")], KEY) == []


def test_text_passes_as_it_is() -> None:
    assert headers.onward([(b"x-name", "Zoë".encode())], KEY) == [("x-name", "Zoë")]
    with pytest.raises(AppError):
        headers.onward([(b"x-name", b"\xff")], KEY)


@pytest.mark.parametrize(
    ("query", "left"),
    [
        (b"", ""),
        (b"a&b=&c=%20", "a&b=&c=%20"),
        (b"a=1&_apikey=x&b=2", "a=1&b=2"),
        (b"a=1&%5Fapikey=x", "a=1"),
        (b"k=emitkit%5F0123456789&b", "b"),
        ("n=ü".encode(), "n=%C3%BC"),
    ],
)
def test_queries(query: bytes, left: str) -> None:
    assert headers.query_onward(query, KEY) == left


def test_forwarded_of_ipv6() -> None:
    told = dict(headers.forwarded({"http_version": "1.1"}, "2001:db8::1", b"x:1", "https"))
    assert told["forwarded"] == 'for="[2001:db8::1]";proto=https;host="x:1"'
    assert "x-forwarded-host" not in dict(
        headers.forwarded({"http_version": "1.1"}, "::1", b'x"; for=1', "http")
    )


@pytest.mark.parametrize(
    ("text", "allowed"),
    [
        ("8.8.8.8", True),
        ("2001:4860:4860::8888", True),
        ("127.0.0.1", False),
        ("10.0.0.1", False),
        ("172.31.0.1", False),
        ("192.168.1.1", False),
        ("100.64.0.1", False),
        ("169.254.169.254", False),
        ("168.63.129.16", False),
        ("0.0.0.0", False),  # noqa: S104 # an address to refuse
        ("224.0.0.1", False),
        ("239.1.1.1", False),
        ("255.255.255.255", False),
        ("::", False),
        ("::1", False),
        ("fe80::1%eth0", False),
        ("fc00::1", False),
        ("ff02::1", False),
        ("::ffff:10.0.0.1", False),
        ("::ffff:8.8.8.8", True),
        ("64:ff9b::a00:1", False),
        ("64:ff9b::808:808", True),
        ("2002:a00:1::", False),
        ("nonsense", False),
    ],
)
def test_public_addresses(text: str, allowed: bool) -> None:
    assert addresses.is_allowed(text, ()) is allowed


def test_networks_that_are_named_are_allowed() -> None:
    near = (ipaddress.ip_network("10.1.0.0/16"),)
    assert addresses.is_allowed("10.1.2.3", near)
    assert addresses.is_allowed("::ffff:10.1.2.3", near)
    assert not addresses.is_allowed("10.2.2.3", near)


def test_a_signature_is_that_of_the_guide() -> None:
    secret = "0" * 64
    signed = signing.sign(secret, "1700000000", "POST", "/x?a=1", "account_1", "key_1", "", "r")
    assert signed == "v1=6428545a1de35d0d32a3b2edf3d8a346690f772cb5e27133cbada6f03cfc6d34"
