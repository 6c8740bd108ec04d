"""Encryption: asked for where there is a certificate, and where there is none, what is heard."""

import contextlib
import smtplib
import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.delivery.certificates import Authority
from tests.delivery.conftest import NEAR
from tests.delivery.mails import somebody
from tests.ports import HOST, free_port
from tests.server import Server
from tests.submission.posting import Post, Sender, make_sender, plain, queued, submitting, talk
from tests.waiting import wait_for

FIRST = "530 Must issue a STARTTLS command first"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def trusting(authority: Authority) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(authority.file))


@pytest.fixture(scope="module")
def files(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate and its key, in a place of their own."""
    folder = tmp_path_factory.mktemp("certificate")
    return install(authority, (folder / "cert.pem", folder / "key.pem"))


def install(authority: Authority, files: tuple[Path, Path]) -> tuple[Path, Path]:
    for made, place in zip(authority.issue(HOST), files, strict=True):
        place.write_bytes(made.read_bytes())
    return files


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory, files: tuple[Path, Path]) -> Iterator[Post]:
    port, (cert, key) = free_port(), files
    env = NEAR | submitting(port, tls_cert=cert, tls_key=key)
    with Server(tmp_path_factory.mktemp("secure") / "data", env=env) as running:
        yield Post(running, port)


@pytest.fixture
def sender(secure: Post, http: httpx2.Client) -> Sender:
    return make_sender(secure, http)


@contextlib.contextmanager
def encrypted(post: Post, context: ssl.SSLContext) -> Iterator[smtplib.SMTP]:
    with post.client() as client:
        assert client.starttls(context=context)[0] == 220
        yield client


def test_a_mail_over_an_encrypted_connection(sender: Sender, trusting: ssl.SSLContext) -> None:
    to = somebody()
    with encrypted(sender.post, trusting) as client:
        client.ehlo()
        assert "starttls" not in client.esmtp_features
        client.login("emailit", sender.secret)
        large = sender.letter(to, text="x" * 70 + "\n" + "word\n" * 100_000)
        for letter in (sender.letter(to), large):
            queued(*talk(client, letter, to))


def test_nothing_is_heard_before(sender: Sender) -> None:
    with sender.post.line() as line:
        said = line.ask("EHLO test")
        assert "STARTTLS" in said
        assert "AUTH" not in said
        for words in (f"AUTH PLAIN {plain(sender.secret)}", "MAIL FROM:<a@b.example>", "HELO test"):
            assert line.ask(words) == FIRST
        assert line.ask("NOOP").startswith("250 ")


def test_what_was_said_in_clear_is_forgotten(sender: Sender, trusting: ssl.SSLContext) -> None:
    """Somebody on the way may have put it there (CVE-2011-0411 and its kin)."""
    with sender.post.line() as line:
        line.ask("EHLO test")
        line.say(b"STARTTLS\r\nNOOP\r\nEHLO injected\r\n")
        assert line.hear().startswith("220 ")
        with trusting.wrap_socket(line.sock.dup(), server_hostname=HOST) as private:
            private.sendall(b"AUTH PLAIN\r\nEHLO test\r\nSTARTTLS\r\nQUIT\r\n")
            heard = b"".join(iter(lambda: private.recv(1000), b"")).decode()
    answers = [one for one in heard.splitlines() if one[3] == " "]
    assert [one[:3] for one in answers] == ["503", "250", "503", "221"]
    assert "AUTH LOGIN PLAIN" in heard


def test_who_does_not_encrypt_properly_loses_the_connection(secure: Post) -> None:
    with secure.line() as line:
        line.ask("EHLO test")
        line.ask("STARTTLS")
        line.say(b"no client hello, whatever else it is\r\n" * 10)
        wait_for(line.ended, "the end")
    with secure.client() as client, pytest.raises(ssl.SSLError):
        client.starttls(context=ssl.create_default_context())
    for _ in range(20):
        with secure.line() as line:
            line.ask("EHLO test")
            line.say(b"STARTTLS\r\n")
    counted = f"{secure.server.address}/metrics"

    def left() -> bool:
        text = httpx2.get(counted, trust_env=False).text
        return "\ngatepost_submission_connections 0.0\n" in text

    wait_for(left, "the end of all connections")
    assert "Traceback" not in secure.server.output()


def test_a_new_certificate_is_shown_to_who_comes_next(
    secure: Post, authority: Authority, files: tuple[Path, Path], trusting: ssl.SSLContext
) -> None:
    before = shown(secure, trusting)
    assert shown(secure, trusting) == before
    install(authority, files)
    wait_for(lambda: shown(secure, trusting) != before, "the new certificate")
    after = shown(secure, trusting)
    files[1].write_text("no key")
    assert shown(secure, trusting) == after, "what cannot be read changes nothing"
    install(authority, files)
    wait_for(lambda: shown(secure, trusting) != after, "the next certificate")


def shown(post: Post, context: ssl.SSLContext) -> bytes:
    with encrypted(post, context) as client:
        assert isinstance(client.sock, ssl.SSLSocket)
        return client.sock.getpeercert(binary_form=True) or b""


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"tls_cert": "/nowhere.pem"}, "belong together"),
        ({"tls_cert": "/nowhere.pem", "tls_key": "/nowhere.key"}, "No such file"),
        ({"tls_cert": "LICENSE", "tls_key": "LICENSE"}, "submission_tls_cert, submission_tls_key"),
    ],
)
def test_certificates_that_are_none(tmp_path: Path, settings: dict[str, str], said: str) -> None:
    server = Server(tmp_path / "data", env=submitting(free_port(), **settings))
    with pytest.raises(AssertionError, match=said):
        server.start()
    assert "Traceback" not in server.output()
    server.backend.close()


# Without a certificate


def away() -> str | None:
    """An address of this machine's that others would come from; None without a network."""
    done = subprocess.run(["hostname", "-I"], capture_output=True, text=True, check=False)
    return next((one for one in done.stdout.split() if "." in one), None)


@pytest.mark.parametrize("plain_is", ["off", "on"])
def test_keys_are_not_heard_in_clear_from_elsewhere(
    tmp_path: Path, http: httpx2.Client, plain_is: str
) -> None:
    address = away()
    if address is None:
        pytest.skip("this machine has no address but 127.0.0.1")
    port = free_port()
    env = NEAR | submitting(port, host="0.0.0.0", plain=plain_is)  # noqa: S104 # what is tried
    with Server(tmp_path / "data", env=env) as server:
        sender = make_sender(Post(server, port), http)
        with sender.client() as client:
            assert client.noop()[0] == 250
        with smtplib.SMTP(address, port, timeout=30) as client:
            client.ehlo()
            if plain_is == "on":
                assert client.login("emailit", sender.secret)[0] == 235
                return
            assert "auth" not in client.esmtp_features
            code, _ = client.docmd("AUTH", f"PLAIN {plain(sender.secret)}")
            assert code == 538
            assert client.mail("a@b.example")[0] == 530


def test_ipv6(tmp_path: Path, http: httpx2.Client) -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no ::1")
    port, to = free_port(), somebody()
    with Server(tmp_path / "data", env=NEAR | submitting(port, host="::1")) as server:
        sender = make_sender(Post(server, port), http)
        with smtplib.SMTP("::1", port, timeout=30) as client:
            client.login("emailit", sender.secret)
            queued(*talk(client, sender.letter(to), to))
