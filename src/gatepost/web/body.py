"""Request bodies: bounded reads, bounded decompression."""

from __future__ import annotations

import zlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import zstandard

from gatepost.base.errors import AppError, Code

Receive = Callable[[], Awaitable[Any]]
DIGITS_MAX = 18


class Disconnected(Exception):  # noqa: N818 # it names what happened, not a fault
    """The client hung up before its request was complete."""


async def read(receive: Receive, headers: Mapping[bytes, bytes], limit: int) -> bytes:
    """Read a body of at most `limit` bytes, before and after decompression.

    Raises TOO_LARGE, UNSUPPORTED_ENCODING, INVALID for a broken stream, or Disconnected.
    """
    length = headers.get(b"content-length")
    if length is not None and _declared(length) > limit:
        raise too_large(limit)
    message = await receive()
    if message["type"] != "http.request":
        raise Disconnected
    body: bytes = message.get("body", b"")
    if message.get("more_body"):
        body = await _rest(receive, body, limit)
    return settle(body, headers, limit)


def settle(body: bytes, headers: Mapping[bytes, bytes], limit: int) -> bytes:
    """Check and decompress a body that has arrived; raises as `read` does."""
    if len(body) > limit:
        raise too_large(limit)
    encoding = headers.get(b"content-encoding")
    return inflate(body, encoding, limit) if encoding else body


def _declared(length: bytes) -> int:
    if not length.isdigit():
        raise AppError(Code.INVALID, "Content-Length must be a number")
    return int(length[:DIGITS_MAX])


async def _rest(receive: Receive, first: bytes, limit: int) -> bytes:
    parts, size, more = [first], len(first), True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            raise Disconnected
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > limit:
            raise too_large(limit)
        more = message.get("more_body", False)
    return b"".join(parts)


def too_large(limit: int) -> AppError:
    """Build the refusal of a body over its limit."""
    size = f"{limit // 1_048_576} MiB" if limit % 1_048_576 == 0 else f"{limit} bytes"
    return AppError(Code.TOO_LARGE, f"Request body exceeds the {size} limit")


def inflate(body: bytes, encoding: bytes, limit: int) -> bytes:
    """Decompress gzip, deflate or zstd, never beyond `limit` bytes."""
    match encoding.strip().lower():
        case b"identity" | b"":
            return body
        case b"gzip" | b"x-gzip":
            return _zlib(body, 31, limit)
        case b"deflate":
            return _zlib(body, 15, limit)
        case b"zstd":
            return _zstd(body, limit)
    raise AppError(Code.UNSUPPORTED_ENCODING, "Content-Encoding must be gzip, deflate or zstd")


def _zlib(body: bytes, window_bits: int, limit: int) -> bytes:
    stream = zlib.decompressobj(wbits=window_bits)
    try:
        plain = stream.decompress(body, limit + 1)
    except zlib.error:
        raise _broken() from None
    if len(plain) > limit:
        raise too_large(limit)
    if not stream.eof or stream.unused_data:
        raise _broken()
    return plain


def _zstd(body: bytes, limit: int) -> bytes:
    """Decompress twice: within bounds to learn that it fits, then to see that it is whole."""
    stream = zstandard.ZstdDecompressor().decompressobj()
    try:
        with zstandard.ZstdDecompressor().stream_reader(body) as reader:
            if len(reader.read(limit + 1)) > limit:
                raise too_large(limit)
        plain = stream.decompress(body)
    except zstandard.ZstdError:
        raise _broken() from None
    if not stream.eof or stream.unused_data:
        raise _broken()
    return plain


def _broken() -> AppError:
    return AppError(Code.INVALID, "The compressed body is damaged or cut short")
