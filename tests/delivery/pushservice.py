"""Browsers that subscribe at a push service on this machine, and read what it gets for them.

Both are of the tests' own: the browser's side of RFC 8291 and RFC 8188, and the push service's of
RFC 8292. What they need of Gatepost is its public key, as any page would get it.
"""

import base64
import json
import os
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.delivery.receiver import Behaviour, Got, Receiver, answers

DAY_S = 24 * 3600
CREATED = answers(201)


def decode(text: str) -> bytes:
    assert "=" not in text, "base64url without padding"
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def point(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def open_sealed(body: bytes, key: ec.EllipticCurvePrivateKey, auth: bytes) -> bytes:
    """Decrypt a message of one record, as a browser does."""
    salt, size, length = body[:16], int.from_bytes(body[16:20], "big"), body[20]
    sender, record = body[21 : 21 + length], body[21 + length :]
    assert length == 65
    assert 18 <= len(record) <= size
    theirs = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), sender)
    info = b"WebPush: info\0" + point(key.public_key()) + sender
    seed = HKDF(SHA256(), 32, auth, info).derive(key.exchange(ec.ECDH(), theirs))
    secret = HKDF(SHA256(), 16, salt, b"Content-Encoding: aes128gcm\0").derive(seed)
    nonce = HKDF(SHA256(), 12, salt, b"Content-Encoding: nonce\0").derive(seed)
    padded = AESGCM(secret).decrypt(nonce, record, None)
    content, delimiter, padding = padded.rpartition(b"\x02")
    assert delimiter
    assert not padding.strip(b"\0")
    return content


def check_origin(got: Got, public_key: str, audience: str) -> dict[str, Any]:
    """Refuse a request as a push service does whose browser subscribed with a key; returns what
    the token claims.
    """
    scheme, _, rest = str(got.header("Authorization")).partition(" ")
    assert scheme == "vapid"
    given = dict(part.strip().split("=", 1) for part in rest.split(","))
    assert given["k"] == public_key
    head, claims, signature = given["t"].split(".")
    assert json.loads(decode(head)) == {"typ": "JWT", "alg": "ES256"}
    raw = decode(signature)
    assert len(raw) == 64
    pair = int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big")
    key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), decode(public_key))
    key.verify(encode_dss_signature(*pair), f"{head}.{claims}".encode(), ec.ECDSA(SHA256()))
    read: dict[str, Any] = json.loads(decode(claims))
    assert read["aud"] == audience
    assert time.time() < read["exp"] <= time.time() + DAY_S
    return read


@dataclass
class Browser:
    """One that has subscribed with a public key at a push service."""

    service: Receiver
    public_key: str
    does: Behaviour = CREATED
    key: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )
    auth: bytes = field(default_factory=lambda: os.urandom(16))

    def __post_init__(self) -> None:
        self.endpoint, self.path = self.service.place(self.does)

    def subscription(self) -> dict[str, Any]:
        """What `PushSubscription.toJSON` gives."""
        keys = {"p256dh": encode(point(self.key.public_key())), "auth": encode(self.auth)}
        return {"endpoint": self.endpoint, "expirationTime": None, "keys": keys}

    def read(self, number: int = 1) -> list[tuple[dict[str, Any], Got]]:
        """Wait for so many requests; returns what each says, once its origin is checked."""
        place = urlsplit(self.endpoint)
        found = []
        for got in self.service.wait(self.path, number):
            assert (got.method, got.header("Content-Encoding")) == ("POST", "aes128gcm")
            check_origin(got, self.public_key, f"{place.scheme}://{place.netloc}")
            found.append((json.loads(open_sealed(got.body, self.key, self.auth)), got))
        return found
