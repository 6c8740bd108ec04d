"""Answers that never end, or that nobody has asked for."""

import asyncio
from typing import Any

import pytest

from gatepost.delivery.exchange import ANSWER_BYTES_MAX, Exchange
from gatepost.delivery.safehttp import _parts

HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"
WHOLE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Wire(asyncio.Transport):
    """A connection that only knows whether it was ended."""

    def __init__(self) -> None:
        super().__init__()
        self.ended = False

    def write(self, data: Any) -> None:
        del data

    def abort(self) -> None:
        self.ended = True


async def asked() -> tuple[Exchange, Wire, "asyncio.Future[Any]"]:
    one, wire = Exchange(), Wire()
    one.connection_made(wire)
    return one, wire, one.ask(b"", asyncio.get_running_loop().time() + 60)


@pytest.mark.parametrize("line", [b"x: " + b"y" * 1000 + b"\r\n", b"y" * 1000])
async def test_what_trails_a_body_is_bounded(line: bytes) -> None:
    one, wire, answer = await asked()
    one.data_received(HEAD + b"x: ")
    sent = 0
    while not wire.ended and sent < 2 * ANSWER_BYTES_MAX:
        one.data_received(line)
        sent += len(line)
    assert wire.ended
    got = await answer
    assert (got.status, "x" in got.headers) == (200, False)
    assert not one.free


async def test_an_answer_that_nobody_asked_for_ends_the_connection() -> None:
    one, wire, answer = await asked()
    one.data_received(WHOLE + WHOLE)
    assert (await answer).body == b"ok"
    assert wire.ended
    assert not one.free


async def test_one_answer_leaves_the_connection_open() -> None:
    one, wire, answer = await asked()
    one.data_received(WHOLE)
    assert (await answer).body == b"ok"
    assert one.free
    assert not wire.ended


def test_an_international_name_is_looked_up_as_it_is_written() -> None:
    place, _, shown = _parts("https://xn--strae-oqa.de/hook")
    assert (place.host, shown) == ("xn--strae-oqa.de", "xn--strae-oqa.de")
