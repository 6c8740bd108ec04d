"""Connections to the SMTP port: how many there may be, for how long, and what ends them."""

import contextlib
import socket
from collections.abc import Iterator

import httpx2
import pytest

from tests.delivery.conftest import NEAR
from tests.delivery.mails import somebody
from tests.ports import HOST, free_port
from tests.server import Server
from tests.submission.posting import Line, Post, make_sender, plain, submitting
from tests.waiting import wait_for

IDLE_S = 1.5
BUSY = "421 4.3.2 Too many connections, try again later"
IDLE = "421 4.4.2 Timed out"


@contextlib.contextmanager
def serving(factory: pytest.TempPathFactory, **settings: object) -> Iterator[Post]:
    port = free_port()
    folder = factory.mktemp("connections") / "data"
    with Server(folder, env=NEAR | submitting(port, **settings)) as running:
        yield Post(running, port)


@pytest.fixture(scope="module")
def narrow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Post]:
    """Room for eight connections, two of them an account's."""
    with serving(tmp_path_factory, connections=8) as post:
        yield post


@pytest.fixture(scope="module")
def hasty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Post]:
    """No patience."""
    with serving(tmp_path_factory, idle_s=IDLE_S) as post:
        yield post


def login(post: Post, line: Line, secret: str) -> str:
    line.ask("EHLO test")
    return line.ask(f"AUTH PLAIN {plain(secret)}")


def test_an_idle_connection_ends(hasty: Post) -> None:
    with hasty.line() as line:
        assert line.hear() == IDLE
        assert line.ended()


def test_who_says_much_has_no_more_time_to_log_in(hasty: Post) -> None:
    with hasty.line() as line:
        heard = line.ask("NOOP")
        while heard.startswith("250 "):
            with contextlib.suppress(OSError):
                heard = line.ask("NOOP")
        assert heard in {IDLE, ""}


def test_a_client_that_stalls_amid_a_mail(hasty: Post, http: httpx2.Client) -> None:
    with make_sender(hasty, http).line() as line:
        line.begin(somebody())
        line.say(b"Subject: no more\r\n")
        assert line.hear() == IDLE
        assert line.ended()


def test_a_mail_that_comes_slowly_is_not_idle(hasty: Post, http: httpx2.Client) -> None:
    sender, to = make_sender(hasty, http), somebody()
    content = sender.letter(to, text="word\n" * 300).as_bytes() + b".\r\n"
    step = len(content) // 8 + 1
    with sender.line() as line:
        line.begin(to)
        for at in range(0, len(content), step):
            line.say(content[at : at + step])
            if at + step < len(content):
                hear_nothing(line, IDLE_S / 4)
        assert line.hear().startswith("250 ")


def hear_nothing(line: Line, for_s: float) -> None:
    """Be slow; nothing must come meanwhile."""
    line.sock.settimeout(for_s)
    with pytest.raises(TimeoutError):
        line.sock.recv(1, socket.MSG_PEEK)
    line.sock.settimeout(30)


def test_a_client_that_hears_nothing_is_let_go(hasty: Post) -> None:
    """Its answers are not read, so that they cannot be sent; that does not hold its place."""
    with hasty.line() as line:
        line.sock.settimeout(0.5)
        with contextlib.suppress(OSError):
            while True:
                line.say(b"NOOP\r\n" * 10_000)
        line.sock.settimeout(30)
        wait_for(lambda: is_cut(line), "the end of the connection", 20)


def is_cut(line: Line) -> bool:
    """Whether the other side has gone, without reading what it has said."""
    try:
        line.sock.send(b"NOOP\r\n", socket.MSG_DONTWAIT)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return False


def test_an_account_has_a_share(narrow: Post, http: httpx2.Client) -> None:
    sender, other = make_sender(narrow, http), make_sender(narrow, http)
    with sender.line(), sender.line(), narrow.line() as third:
        assert login(narrow, third, sender.secret) == BUSY
        assert third.ended()
        with other.line() as line:
            assert line.ask("NOOP").startswith("250 ")

    def again() -> bool:
        with narrow.line() as line:
            return login(narrow, line, sender.secret).startswith("235 ")

    wait_for(again, "room for another one")


def test_strangers_make_room(narrow: Post, http: httpx2.Client) -> None:
    sender = make_sender(narrow, http)
    with sender.line() as mine, contextlib.ExitStack() as strangers:
        for _ in range(12):
            strangers.enter_context(Line(narrow.port))
        assert mine.ask("NOOP").startswith("250 ")
        with sender.line() as line:
            assert line.ask("NOOP").startswith("250 ")
        assert mine.ask("NOOP").startswith("250 ")


def test_no_room(narrow: Post, http: httpx2.Client) -> None:
    senders = [make_sender(narrow, http) for _ in range(4)]
    with contextlib.ExitStack() as lines:
        for one in senders * 2:
            lines.enter_context(one.line())
        with Line(narrow.port) as line:
            assert line.hear() == BUSY
            assert line.ended()

    def room() -> bool:
        with Line(narrow.port) as line:
            return line.hear().startswith("220 ")

    wait_for(room, "room")


def test_what_is_counted(narrow: Post, http: httpx2.Client) -> None:
    sender, to = make_sender(narrow, http), somebody()

    def value(name: str) -> float:
        text = http.get(f"{narrow.server.address}/metrics").text
        lines = [one.split() for one in text.splitlines() if one.startswith(f"{name} ")]
        return float(lines[0][1]) if lines else 0.0

    wait_for(lambda: value("gatepost_submission_connections") == 0, "no connection")
    mails = value("gatepost_submission_mails_total")
    refusals = value("gatepost_submission_refusals_total")
    with sender.line() as line:
        wait_for(lambda: value("gatepost_submission_connections") == 1, "a connection")
        line.begin(to)
        line.say(sender.letter(to).as_bytes() + b".\r\n")
        assert line.hear().startswith("250 ")
        line.begin(to)
        line.say(b"\r\n.\r\n")
        assert line.hear().startswith("554 ")
    assert value("gatepost_submission_mails_total") == mails + 1
    assert value("gatepost_submission_refusals_total") == refusals + 1


def test_nothing_listens_unless_it_is_asked_to(
    server: Server, narrow: Post, http: httpx2.Client
) -> None:
    told = [http.get(f"{one.address}/metrics").text for one in (server, narrow.server)]
    assert ["gatepost_submission_connections" in one for one in told] == [False, True]


def test_a_port_that_is_taken(tmp_path_factory: pytest.TempPathFactory) -> None:
    with socket.create_server((HOST, 0)) as taken:
        port = taken.getsockname()[1]
        server = Server(tmp_path_factory.mktemp("taken") / "data", env=submitting(port))
        with pytest.raises(AssertionError, match=f"cannot listen on 127.0.0.1 port {port}"):
            server.start()
        server.backend.close()
