"""Whose address counts: the socket's, or what trusted proxies say."""

import ipaddress

import pytest

from gatepost.web import address

TRUSTED = tuple(ipaddress.ip_network(name) for name in ("10.0.0.0/8", "fd00::/8"))


def of(client: str, *lines: str, trusted: tuple[address.Network, ...] = TRUSTED) -> str:
    headers = [(b"x-forwarded-for", line.encode()) for line in lines]
    return address.of({"client": (client, 1), "headers": headers}, dict(headers), trusted)


@pytest.mark.parametrize(
    ("client", "lines", "expected"),
    [
        ("192.0.2.1", [], "192.0.2.1"),
        ("192.0.2.1", ["198.51.100.1"], "192.0.2.1"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("::ffff:10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("fd00::1", ["2001:db8::1"], "2001:db8::1"),
        ("10.0.0.1", ["198.51.100.1, 203.0.113.1"], "203.0.113.1"),
        ("10.0.0.1", ["198.51.100.1, 10.0.0.2"], "198.51.100.1"),
        ("10.0.0.1", ["198.51.100.1", "10.0.0.2"], "198.51.100.1"),
        ("10.0.0.1", ["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        ("10.0.0.1", ["198.51.100.1, nonsense"], "nonsense"),
        ("10.0.0.1", [""], ""),
    ],
)
def test_only_trusted_hops_are_believed(client: str, lines: list[str], expected: str) -> None:
    assert of(client, *lines) == expected


def test_without_trusted_proxies_nobody_is_believed() -> None:
    assert of("10.0.0.1", "198.51.100.1", trusted=()) == "10.0.0.1"
