import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from gatepost.base.config import Settings
from gatepost.delivery import urls

SHUT = Settings()
NEAR = Settings(delivery_networks="10.0.0.0/8,127.0.0.0/8,::1")
PLAIN = Settings(delivery_http="on")


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com",
        "https://example.com:8443/hook?a=b#c",
        "https://xn--exmple-cua.com/",
        "https://93.184.216.34/",
        "https://[2606:4700:4700::1111]/",
        "https://sub.domain.example/with%20space",
        "https://1.2.3.4.example/",
        "https://a1/",
    ],
)
def test_public_places_are_fine(url: str) -> None:
    assert not urls.problem(url, SHUT)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.com",
        "//example.com",
        "http://example.com",
        "ftp://example.com",
        "file:///etc/passwd",
        "https://",
        "https:///path",
        "https://user@example.com/",
        "https://:pass@example.com/",
        "https://example.com:99999/",
        "https://example.com:x/",
        "https://exa mple.com/",
        "https://example.com/\n",
        "https://exämple.com/",
        "https://[::1/",
        "https://[::1]/",
        "https://127.0.0.1/",
        "https://127.1/",
        "https://0x7f.1/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://example.1/",
        "https://169.254.169.254/latest/meta-data",
        "https://10.0.0.1/",
    ],
)
def test_others_are_not(url: str) -> None:
    assert urls.problem(url, SHUT)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_named_networks_are_open(scheme: str) -> None:
    for host in ("10.1.2.3", "127.0.0.1:8080", "[::1]:80", "internal", "internal.example"):
        assert not urls.problem(f"{scheme}://{host}/", NEAR)
    for host in ("11.1.2.3", "127.1", "[::2]"):
        refused = bool(urls.problem(f"{scheme}://{host}/", NEAR))
        assert refused is (scheme == "http" or host != "11.1.2.3")


@pytest.mark.parametrize(
    "place", ["a.example\\@b.example", "a.example\\b", "127.0.0.1[::1]", "[2606:4700::1]a.example"]
)
def test_a_host_that_two_readers_read_differently(place: str) -> None:
    assert urls.problem(f"https://{place}/", SHUT)


def test_http_may_be_open_to_all() -> None:
    assert not urls.problem("http://example.com/", PLAIN)
    assert not urls.problem("http://93.184.216.34/", PLAIN)
    assert urls.problem("http://127.0.0.1/", PLAIN)


@given(st.one_of(st.text(), st.text().map("https://".__add__), st.text().map("http://[".__add__)))
def test_whatever_is_fine_has_a_host(url: str) -> None:
    if not urls.problem(url, SHUT):
        assert URL(url, encoded=True).host
