"""`gatepost push`: a key of one's own, and devices beside a server that runs."""

import json
from pathlib import Path

from tests import plain
from tests.delivery.pushservice import encode, point
from tests.server import Server

PRIVATE = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"
PUBLIC = "BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8"


def test_a_key_from_its_first_day_and_the_devices_of_an_account(tmp_path: Path) -> None:
    from cryptography.hazmat.primitives.asymmetric import ec

    with Server(tmp_path / "data") as server:
        first = server.cli("push", "key")["publicKey"]
        assert server.cli("push", "key")["publicKey"] == first
        file = tmp_path / "key.txt"
        file.write_text(f"{PRIVATE}\n")
        assert server.cli("push", "key", "--bring", str(file))["publicKey"] == PUBLIC
        headers = {"Authorization": f"Bearer {server.first_run_key}"}
        read = plain.get(f"{server.address}/v1/push/key", headers=headers).json()
        assert read["data"]["publicKey"] == PUBLIC

        keys = {"p256dh": encode(point(ec.generate_private_key(ec.SECP256R1()).public_key()))}
        body = {
            "endpoint": "https://push.example.com/x",
            "keys": keys | {"auth": encode(b"a" * 16)},
        }
        made = plain.post(
            f"{server.address}/v1/push/devices", content=json.dumps(body), headers=headers
        ).json()["data"]
        (listed,) = server.cli("push", "devices")["devices"]
        assert (listed["id"], listed["host"]) == (made["id"], "push.example.com")
        assert server.cli("push", "remove", made["id"])["deleted"] is True
        assert server.cli("push", "devices")["devices"] == []
        assert server.command("push", "remove", made["id"]).returncode == 1

        file.write_text("not a key")
        refused = server.command("push", "key", "--bring", str(file))
        assert refused.returncode == 1
        assert "not a private key" in refused.stderr
        assert "not a key" not in refused.stdout
        assert server.command("push", "key", "--bring", str(tmp_path / "none")).returncode == 1
