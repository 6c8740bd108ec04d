"""Networks a key may be used from, and when it was used."""

from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.api.admin import Admin, first_admin
from tests.server import Server


@pytest.fixture(scope="module")
def proxied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server behind a proxy on this machine, and one in 10.9.0.0/16."""
    trusted = {"GATEPOST_TRUSTED_PROXIES": "127.0.0.0/8, 10.9.0.0/16"}
    with Server(tmp_path_factory.mktemp("proxied") / "data", env=trusted) as server:
        yield server


@pytest.mark.parametrize(
    ("forwarded", "admitted"),
    [
        (["203.0.113.7"], True),
        (["203.0.114.7"], False),
        (["2001:db8::1"], True),
        (["2001:db9::1"], False),
        (["::ffff:203.0.113.7"], True),
        (["::ffff:198.51.100.9"], True),
        (["::ffff:198.51.100.10"], False),
        (["203.0.113.7, 10.9.1.1"], True),
        (["203.0.113.7", "10.9.1.1"], True),
        (["198.18.0.1, 203.0.113.7, 10.9.1.1"], True),
        (["203.0.113.7, 198.18.0.1"], False),
        (["203.0.113.7, 198.18.0.1, 10.9.1.1"], False),
        (["203.0.113.7", "198.18.0.1"], False),
        (["203.0.113.7, nonsense"], False),
        (["203.0.113.7,"], False),
        ([], False),
    ],
)
def test_networks_hold_behind_trusted_proxies(
    proxied: Server, http: httpx2.Client, forwarded: list[str], admitted: bool
) -> None:
    """`X-Forwarded-For` counts from its end, as far as the hops are trusted."""
    admin = first_admin(proxied, http)
    networks = ["203.0.113.0/24", "2001:db8::/32", "::ffff:198.51.100.9"]
    secret = admin.make(allowFrom=networks)["key"]
    headers = [("Authorization", f"Bearer {secret}")]
    headers += [("X-Forwarded-For", one) for one in forwarded]
    answer = http.get(f"{proxied.address}/v1/ping", headers=headers)
    assert answer.status_code == (200 if admitted else 403), answer.text


@pytest.mark.parametrize("spoofed", ["203.0.113.7", "127.0.0.1, 203.0.113.7"])
def test_nobody_is_believed_without_a_trusted_proxy(owner: Admin, spoofed: str) -> None:
    far = owner.make(allowFrom=["203.0.113.0/24"])["key"]
    assert owner.ping(far, {"X-Forwarded-For": spoofed}) == 403
    near = owner.make(allowFrom=["127.0.0.1"])["key"]
    assert owner.ping(near, {"X-Forwarded-For": spoofed}) == 200


def test_last_use_is_kept(tmp_path: Path, http: httpx2.Client) -> None:
    with Server(tmp_path / "data") as server:
        admin = first_admin(server, http)
        made = admin.make()
        assert made["lastUsedAt"] is None
        assert admin.ping(made["key"]) == 200
        server.stop()
        server.start()
        read = first_admin(server, http).get(f"/v1/keys/{made['id']}")
    assert made["createdAt"] <= read["lastUsedAt"]
