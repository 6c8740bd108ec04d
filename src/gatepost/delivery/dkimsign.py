"""DKIM signatures (RFC 6376): rsa-sha256, relaxed/relaxed."""

from __future__ import annotations

SIGNED = (
    b"from",
    b"to",
    b"cc",
    b"subject",
    b"date",
    b"message-id",
    b"reply-to",
    b"mime-version",
    b"content-type",
    b"content-transfer-encoding",
    b"list-unsubscribe",
    b"list-unsubscribe-post",
)
"""Each is signed as often as it occurs and once more, so that nobody adds another one."""

MARK = b"dkim-signature:"


def sign(message: bytes, *, domain: str, selector: str, private_key: str) -> bytes:
    """Return a message (CRLF) with a signature before it. The key is RSA in PEM.

    It takes some milliseconds, and longer for a large message: do it in a thread. Raises
    ValueError for what is no message.
    """
    import dkim  # type: ignore[import-untyped] # it has no types # noqa: PLC0415 # only for mail

    try:
        made: bytes = dkim.sign(
            message,
            selector.encode(),
            domain.encode(),
            private_key.encode(),
            canonicalize=(b"relaxed", b"relaxed"),
            signature_algorithm=b"rsa-sha256",
            include_headers=_names(message),
        )
    except dkim.DKIMException as fault:
        raise ValueError(str(fault)) from None
    return made + message


def _names(message: bytes) -> list[bytes]:
    """The names to sign: one more of each than there are."""
    head = message.partition(b"\r\n\r\n")[0]
    present = [line.partition(b":")[0].strip().lower() for line in head.split(b"\r\n")]
    return [name for name in SIGNED for _ in range(present.count(name) + 1)]
