"""Web push: messages that browsers alone can read (RFC 8291, RFC 8188), and who sends them (RFC
8292).
"""

from __future__ import annotations

import secrets

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from gatepost.engine.subscribe import public_of, read, write

RECORD_BYTES = 4096
SALT_BYTES = 16
END = b"\x02"
"""The delimiter of a last record (RFC 8188, section 2)."""
JWT_S = 12 * 3600
"""How long a proof of origin may be used; at most a day (RFC 8292, section 2)."""
SIGNATURE_BYTES = 32


def encrypt(
    content: bytes,
    p256dh: str,
    auth: str,
    *,
    key: ec.EllipticCurvePrivateKey | None = None,
    salt: bytes | None = None,
) -> bytes:
    """Encrypt for a browser by its public key and secret; raises ValueError for what is none.

    The key and the salt are new ones each time, unless a test gives them.
    """
    point = read(p256dh)
    mine = key or ec.generate_private_key(ec.SECP256R1())
    salt = salt or secrets.token_bytes(SALT_BYTES)
    theirs = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    own = public_of(mine)
    shared = mine.exchange(ec.ECDH(), theirs)
    seed = _derive(read(auth), shared, b"WebPush: info\x00" + point + own, 32)
    cipher = AESGCM(_derive(salt, seed, b"Content-Encoding: aes128gcm\x00", 16))
    nonce = _derive(salt, seed, b"Content-Encoding: nonce\x00", 12)
    head = salt + RECORD_BYTES.to_bytes(4, "big") + len(own).to_bytes(1, "big") + own
    return head + cipher.encrypt(nonce, content + END, None)


def authorization(key: ec.EllipticCurvePrivateKey, origin: str, subject: str, now_s: int) -> str:
    """The header that says to a push service who sends; without a subject it names nobody."""
    claims: dict[str, str | int] = {"aud": origin, "exp": now_s + JWT_S}
    if subject:
        claims["sub"] = subject
    parts = ({"typ": "JWT", "alg": "ES256"}, claims)
    signed = ".".join(write(msgspec.json.encode(one)) for one in parts)
    pair = decode_dss_signature(key.sign(signed.encode(), ec.ECDSA(SHA256())))
    signature = b"".join(one.to_bytes(SIGNATURE_BYTES, "big") for one in pair)
    return f"vapid t={signed}.{write(signature)}, k={write(public_of(key))}"


def _derive(salt: bytes, secret: bytes, info: bytes, length: int) -> bytes:
    return HKDF(SHA256(), length, salt=salt, info=info).derive(secret)
