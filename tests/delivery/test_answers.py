"""Answers as HTTP allows them, and connections that are kept or not."""

import pytest

from tests.api.admin import Admin
from tests.delivery.receiver import Behaviour, Exchange, Receiver, answers, in_turn
from tests.delivery.sending import await_state, sent


def raw(*parts: bytes, close: bool = False) -> Behaviour:
    """Answers with bytes as they are."""

    async def do(exchange: Exchange) -> None:
        for part in parts:
            await exchange.send(part)
        if close:
            exchange.writer.close()

    return do


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
ODD = {
    "in chunks": raw(CHUNKED, b"2\r\nfi\r\n", b"2;x=y\r\nne\r\n", b"0\r\nTrailer: x\r\n\r\n"),
    "until it hangs up": raw(b"HTTP/1.1 200 OK\r\n\r\nfine", close=True),
    "as HTTP/1.0": raw(b"HTTP/1.0 200 OK\r\n\r\nfine", close=True),
    "after interim ones": raw(b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 x\r\n\r\n", OK),
    "byte by byte": raw(*(bytes([one]) for one in OK)),
    "and more of no use": raw(OK + b"HTTP/1.1 500 Oops\r\n\r\n"),
    "without a reason": raw(b"HTTP/1.1 200\r\nContent-Length: 4\r\n\r\nfine"),
}


@pytest.mark.parametrize("how", ODD)
def test_an_answer_is_read(admin: Admin, receiver: Receiver, how: str) -> None:
    url, path = receiver.place(ODD[how])
    for number in (1, 2):
        done = await_state(admin, sent(admin, url), "succeeded")
        assert (done["state"], done["status"]) == ("succeeded", 200)
        assert done["log"][-1]["response"] == "fine"
        assert len(receiver.at(path)) == number


NONSENSE = {
    "an upgrade": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
    "interim ones for ever": b"HTTP/1.1 100 Continue\r\n\r\n" * 50,
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
    "a length and chunks": CHUNKED[:-2] + b"Content-Length: 5\r\n\r\n0\r\n\r\n",
    "no status": b"HTTP/1.1 OK\r\n\r\n",
}


@pytest.mark.parametrize("what", NONSENSE)
def test_what_is_no_answer_is_none(admin: Admin, receiver: Receiver, what: str) -> None:
    url, _ = receiver.place(raw(NONSENSE[what]))
    done = await_state(admin, sent(admin, url, retry="once"), "failed")
    assert done["state"] == "failed"
    assert done["log"][0]["fault"] == "network"
    assert done["log"][0]["status"] is None


def test_a_connection_is_not_used_again_where_the_receiver_says_so(admin: Admin) -> None:
    with Receiver() as own:
        url, _ = own.place(answers(200, b"{}", "Connection: close"))
        for number in (1, 2, 3):
            assert await_state(admin, sent(admin, url), "succeeded")["state"] == "succeeded"
            assert own.connections == number


def test_what_was_left_of_one_answer_is_never_taken_for_the_next(
    admin: Admin, receiver: Receiver
) -> None:
    """A receiver that says more than it was asked for is hung up on."""
    url, _ = receiver.place(in_turn(ODD["and more of no use"], raw(OK)))
    for _ in range(3):
        done = await_state(admin, sent(admin, url), "succeeded")
        assert (done["state"], done["log"][-1]["response"]) == ("succeeded", "fine")
