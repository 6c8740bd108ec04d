"""One-time codes of the second factor (RFC 6238): six digits, a new one every 30 seconds."""

from __future__ import annotations

import hmac
import re

import pyotp

STEP_MS = 30_000
DIGITS = 6
ISSUER = "Gatepost"
SECRET = re.compile(r"[A-Z2-7]{32}")


def new() -> str:
    """Make a secret: 160 random bits in base 32."""
    return pyotp.random_base32()


def uri(secret: str, email: str) -> str:
    """What an authenticator reads from the picture."""
    return pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name=ISSUER)


def picture(secret: str, email: str) -> str:
    """The same as a picture for cameras: the address of an SVG with all of it inside."""
    import segno  # noqa: PLC0415 # for those who switch it on alone

    made = segno.make(uri(secret, email), error="m")
    return str(made.svg_data_uri(scale=5, border=3, dark="#000", light="#fff"))


def is_secret(text: str) -> bool:
    """Whether that may be a secret of `new`."""
    return SECRET.fullmatch(text) is not None


def step_of(secret: str, code: str, now: int) -> int | None:
    """Which step a code is of: this one, the one before or the next, for clocks differ; else None.
    `now` in ms.
    """
    plain = "".join(code.split())
    if len(plain) != DIGITS or not plain.isdecimal() or not plain.isascii():
        return None
    totp, here = pyotp.TOTP(secret), now // STEP_MS
    near = (here, here - 1, here + 1)
    return next((at for at in near if hmac.compare_digest(totp.generate_otp(at), plain)), None)
