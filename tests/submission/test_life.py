"""What was acknowledged is delivered, whatever dies; who goes down says so."""

import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.delivery.conftest import NEAR
from tests.delivery.mails import somebody
from tests.delivery.smtp import Mailserver
from tests.ports import HOST, free_port
from tests.server import Server
from tests.submission.posting import Post, Sender, make_sender, queued, submitting, talk
from tests.waiting import wait_for

SWAKS = shutil.which("swaks")


@pytest.fixture
def own(tmp_path: Path, behind: Mailserver) -> Iterator[Post]:
    """A server of the test's own."""
    port = free_port()
    env = NEAR | submitting(port) | {"GATEPOST_SMTP_URL": f"smtp://127.0.0.1:{behind.port}"}
    with Server(tmp_path / "data", env=env) as running:
        yield Post(running, port)


def test_what_was_acknowledged_survives_a_kill(
    own: Post, behind: Mailserver, http: httpx2.Client
) -> None:
    sender, acknowledged = make_sender(own, http), list[str]()
    failed = threading.Event()

    def hand_in() -> None:
        while not failed.is_set():
            try:
                with sender.client() as client:
                    while True:
                        to = somebody()
                        queued(*talk(client, sender.letter(to), to))
                        acknowledged.append(to)
            except (OSError, AssertionError):
                failed.set()

    threads = [threading.Thread(target=hand_in) for _ in range(4)]
    for one in threads:
        one.start()
    wait_for(lambda: len(acknowledged) >= 20, "some mails", 30)
    own.server.kill()
    for one in threads:
        one.join(30)
    own.server.start()
    for to in acknowledged:
        assert behind.one(to).recipients == [to]


def test_who_is_idle_is_told_that_it_goes_down(own: Post, http: httpx2.Client) -> None:
    with make_sender(own, http).line() as line, own.line() as stranger:
        assert own.server.stop(timeout_s=15) == 0
        for one in (line, stranger):
            assert one.hear() == "421 4.3.2 Shutting down, try again later"
            assert one.ended()


def test_a_mail_that_is_coming_is_still_taken(
    own: Post, behind: Mailserver, http: httpx2.Client
) -> None:
    sender, to = make_sender(own, http), somebody()
    content = sender.letter(to).as_bytes()
    with sender.line() as line, own.line() as idle:
        line.begin(to)
        line.say(content)
        os.kill(own.server.pid, signal.SIGTERM)
        assert idle.hear().startswith("421 "), "it goes down"
        line.say(b".\r\n")
        assert line.hear().startswith("250 ")
        assert line.hear() == "421 4.3.2 Shutting down, try again later"
        assert line.ended()
    assert own.server.wait() == 0
    own.server.start()
    assert behind.one(to).recipients == [to]
    (key,) = [one for one in keys_of(own, sender) if one["scopes"] == ["sending"]]
    assert key["lastUsedAt"]


def keys_of(post: Post, sender: Sender) -> list[dict[str, object]]:
    """The account's keys, of a server that has a new address since."""
    key = sender.admin.wire.key
    answer = httpx2.get(
        f"{post.server.address}/v1/keys",
        headers={"Authorization": f"Bearer {key}"},
        trust_env=False,
    )
    found: list[dict[str, object]] = answer.raise_for_status().json()["data"]["keys"]
    return found


@pytest.mark.skipif(SWAKS is None, reason="the program swaks is missing: make test-only brings it")
def test_swaks(sender: Sender, behind: Mailserver, tmp_path: Path) -> None:
    """The tool that postmasters try servers with."""
    to, file = somebody(), tmp_path / "notes.txt"
    file.write_text("attached\n")
    for mechanism in ("PLAIN", "LOGIN"):
        command = [
            str(SWAKS),
            "--server",
            f"{HOST}:{sender.post.port}",
            "--auth",
            mechanism,
            "--auth-user",
            "emailit",
            "--auth-password",
            sender.secret,
            "--from",
            sender.address,
            "--to",
            to,
            "--header",
            f"Subject: By swaks, {mechanism}",
            "--attach",
            f"@{file}",
            "--pipeline",
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "250 2.0.0 Queued as em_" in done.stdout
    wait_for(lambda: len(behind.to(to)) == 2, "both mails")
    for got in behind.to(to):
        assert str(got.message["Subject"]).startswith("By swaks, ")
        (attached,) = got.message.iter_attachments()
        assert attached.get_payload(decode=True) == b"attached\n"
