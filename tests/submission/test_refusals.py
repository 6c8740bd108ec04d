"""What is refused by SMTP, in which words, and that somebody can look it up."""

import sqlite3

import httpx2
import pytest

from tests.api.admin import make_admin
from tests.delivery.mails import somebody
from tests.ports import free_port
from tests.server import Server, unique
from tests.submission.posting import (
    Post,
    Sender,
    encoded,
    make_sender,
    plain,
    queued,
    submitting,
    talk,
)

NO = "535 5.7.8 Authentication credentials invalid"


def login(post: Post, secret: str, user: str = "emailit") -> str:
    with post.line() as line:
        line.ask("EHLO test")
        return line.ask(f"AUTH PLAIN {plain(secret, user)}")


# Who it is


def test_nobody_is_let_in_without_a_key(sender: Sender) -> None:
    post, secret = sender.post, sender.secret
    assert login(post, secret) == "235 2.7.0 Authentication successful"
    assert login(post, f"{secret}x") == NO
    assert login(post, "") == NO
    assert login(post, secret, "root") == NO
    assert login(post, secret, "") == NO
    with post.line() as line:
        line.ask("EHLO test")
        assert line.ask(f"AUTH PLAIN {plain(secret, identity='somebody')}") == NO
        for said in (
            "MAIL FROM:<a@b.example>",
            "RCPT TO:<a@b.example>",
            "DATA",
            "VRFY a@b.example",
        ):
            assert line.ask(said) == "530 5.7.0 Authentication required"


def test_what_is_said_wrong_at_the_login(sender: Sender) -> None:
    with sender.post.line() as line:
        assert line.ask(f"AUTH PLAIN {plain(sender.secret)}").startswith("503 ")
        line.ask("HELO test")
        assert line.ask(f"AUTH PLAIN {plain(sender.secret)}").startswith("503 ")
        line.ask("EHLO test")
        assert line.ask("AUTH CRAM-MD5").startswith("504 ")
        assert line.ask("AUTH").startswith("504 ")
        assert line.ask("AUTH PLAIN !!!").startswith("501 ")
        assert line.ask("AUTH PLAIN /w==").startswith("501 ")
        assert line.ask(f"AUTH PLAIN {encoded('a')}").startswith("501 ")
        assert line.ask("AUTH PLAIN").startswith("334")
        assert line.ask("*").startswith("501 ")
        assert line.ask(f"AUTH PLAIN {plain(sender.secret)}").startswith("235 ")


def test_who_guesses_is_hung_up_on(sender: Sender) -> None:
    with sender.post.line() as line:
        line.ask("EHLO test")
        assert [line.ask(f"AUTH PLAIN {plain('guess')}") for _ in range(3)] == [NO] * 3
        assert line.ended()


def test_guesses_are_limited_by_address_as_over_http(
    tmp_path_factory: pytest.TempPathFactory, http: httpx2.Client
) -> None:
    port = free_port()
    env = submitting(port) | {"GATEPOST_UNKNOWN_KEYS_PER_MINUTE": "2"}
    with Server(tmp_path_factory.mktemp("guess") / "data", env=env) as server:
        post = Post(server, port)
        assert [login(post, "guess") for _ in range(2)] == [NO, NO]
        with post.line() as line:
            line.ask("EHLO test")
            assert line.ask(f"AUTH PLAIN {plain('guess')}").startswith("421 4.7.0 Too many ")
            assert line.ended()
        wrong = http.get(f"{server.address}/v1/me", headers={"Authorization": "Bearer guess"})
        assert wrong.status_code == 429


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"scopes": ["read"]}, "535 5.7.8 This key lacks the scope messages:send"),
        (
            {"scopes": ["sending"], "allowFrom": ["203.0.113.0/24"]},
            "535 5.7.8 This key may not be used from this address",
        ),
    ],
)
def test_a_key_that_may_not_send(sender: Sender, given: dict[str, object], said: str) -> None:
    made = sender.admin.make(**given)
    assert login(sender.post, made["key"]) == said
    (line,) = sender.refusals()
    assert (line["keyId"], line["code"], line["count"]) == (made["id"], "forbidden", 1)
    assert made["key"] not in line["message"]


def test_a_key_that_ends_while_somebody_is_logged_in(sender: Sender) -> None:
    made = sender.admin.make(scopes=["sending"], projectId=sender.admin.project)
    to = somebody()
    with sender.using(made["key"]).client() as client:
        queued(*talk(client, sender.letter(to), to))
        sender.admin.delete(made["id"])
        code, _ = talk(client, sender.letter(to), to)
        assert code == 535


def test_an_account_that_is_off(post: Post, http: httpx2.Client) -> None:
    sender, to = make_sender(post, http), somebody()
    with sender.client() as client:
        post.server.cli("account", "set-status", sender.admin.account, "inactive")
        code, said = talk(client, sender.letter(to), to)
        assert (code, said) == (550, "5.7.1 This account is not active")
    assert login(post, sender.secret) == "535 5.7.8 This account is not active"


def test_a_key_that_leads_to_no_single_project(sender: Sender) -> None:
    sender.admin.make_project()
    key, to = sender.admin.make(scopes=["sending"])["key"], somebody()
    said = sender.using(key).refused(sender.letter(to), to)
    assert said.startswith("550 5.7.1 This key belongs to no single project")


# In whose name


def test_a_key_of_a_sending_domain(sender: Sender, post: Post) -> None:
    other = f"{unique('mail')}.example.com"
    post.server.cli("domain", "add", other, "--trust", "--account", sender.admin.account)
    key = sender.admin.make(
        scopes=["sending"], sendingDomain=sender.domain, projectId=sender.admin.project
    )
    bound, to = sender.using(key["key"]), somebody()
    assert bound.send(sender.letter(to), to)
    for stranger in (f"ada@{other}", f"ada@news.{sender.domain}"):
        assert bound.refused(sender.letter(to, From=f"Ada <{stranger}>"), to) == (
            f"530 API key is restricted to sending domain: {sender.domain}."
            f" From/Sender address must use this domain. From: {stranger}"
        )
    assert [one["code"] for one in sender.refusals(2)] == ["forbidden"]


def test_a_domain_of_nobodys(sender: Sender) -> None:
    to, stranger = somebody(), "ada@elsewhere.example"
    said = "530 From/Sender domain is not verified for this workspace. From: ada@elsewhere.example"
    assert sender.refused(sender.letter(to, From=stranger), to) == said
    # The envelope's sender says nothing: it is the header that readers see.
    with sender.client() as client:
        client.mail(sender.address)
        client.rcpt(to)
        assert client.data(sender.letter(to, From=stranger).as_bytes())[0] == 530


def test_a_key_of_a_domain_that_is_verified_no_longer(sender: Sender) -> None:
    key = sender.admin.make(
        scopes=["sending"], sendingDomain=sender.domain, projectId=sender.admin.project
    )
    (domain,) = sender.admin.get("/v1/domains")["domains"]
    sender.admin.send("DELETE", f"/v1/domains/{domain['id']}")
    to = somebody()
    said = sender.using(key["key"]).refused(sender.letter(to), to)
    assert said.startswith("530 From/Sender domain is not verified for this workspace.")


def test_another_accounts_domain(sender: Sender, post: Post, http: httpx2.Client) -> None:
    other, to = make_sender(post, http), somebody()
    said = sender.refused(sender.letter(to, From=other.address), to)
    assert said.startswith("530 From/Sender domain is not verified for this workspace.")


def test_a_domain_is_needed_where_mails_leave(post: Post, http: httpx2.Client) -> None:
    admin, to = make_admin(post.server, http), somebody()
    key = admin.make(scopes=["sending"])["key"]
    mine = Sender(post, admin, key, "nobody.example")
    assert mine.refused(mine.letter(to), to).startswith("530 ")


# How much


@pytest.fixture(scope="module")
def plans(post: Post) -> dict[str, str]:
    """Plans by what they limit."""
    made = {one: unique(one) for one in ("second", "day", "window")}
    post.server.cli("plan", "set", made["second"], "--mail-limit", "1/60s")
    post.server.cli("plan", "set", made["day"], "--quota", "emails=3:email:day")
    post.server.cli("plan", "set", made["window"], "--mail-limit", "1/1d")
    return made


def test_limits_of_mails(post: Post, http: httpx2.Client, plans: dict[str, str]) -> None:
    sender, to = make_sender(post, http, plan=plans["second"]), somebody()
    # All that are named are taken, although fewer were left.
    assert sender.send(sender.letter(to), to, somebody())
    said = "452 4.4.5 Too many e-mails: at most 1 recipients in 60 s"
    assert sender.refused(sender.letter(to), to) == said
    email = {"to": to, "from": sender.address, "subject": "Hello", "text": "Hi"}
    over_http = sender.admin.send("POST", "/v2/emails", email)
    assert over_http.status_code == 429, over_http.text
    (line,) = sender.refusals()
    assert (line["code"], line["message"]) == ("rate_limited", said)


def test_a_limit_of_a_day(post: Post, http: httpx2.Client, plans: dict[str, str]) -> None:
    sender, to = make_sender(post, http, plan=plans["window"]), somebody()
    assert sender.send(sender.letter(to), to)
    assert sender.refused(sender.letter(to), to).startswith("452 4.5.3 Too many e-mails")


def test_a_quota_of_a_day(post: Post, http: httpx2.Client, plans: dict[str, str]) -> None:
    sender, to = make_sender(post, http, plan=plans["day"]), somebody()
    assert sender.send(sender.letter(to), to, somebody())
    assert sender.refused(sender.letter(to), to, somebody()).startswith("452 4.5.3 ")
    assert sender.send(sender.letter(to), to), "what was refused was not charged"
    assert sender.refused(sender.letter(to), to).startswith("452 4.5.3 ")
    (line,) = sender.refusals(2)
    assert line["code"] == "quota_exceeded"


def test_limits_of_a_key_hold_over_http_and_smtp_together(sender: Sender) -> None:
    key = sender.admin.make(
        scopes=["sending"],
        projectId=sender.admin.project,
        limits=[{"limit": 2, "seconds": 60}],
    )["key"]
    mine, to = sender.using(key), somebody()
    assert mine.send(sender.letter(to), to)
    sender.admin.ping(key)
    said = "452 4.4.5 Too many requests. Please try again later."
    assert mine.refused(sender.letter(to), to) == said


def test_more_recipients_than_a_mail_has(sender: Sender) -> None:
    with sender.line() as line:
        line.ask("MAIL FROM:<a@b.example>")
        for _ in range(50):
            assert line.ask(f"RCPT TO:<{somebody()}>").startswith("250 ")
        assert line.ask(f"RCPT TO:<{somebody()}>") == "452 4.5.3 Too many recipients"


def test_too_large(sender: Sender) -> None:
    to = somebody()
    large = sender.letter(to).as_bytes() + b"0123456789 x\r\n" * 200_000
    assert sender.refused(large, to) == "552 5.3.4 Message too large"
    with sender.client() as client:
        assert client.mail("a@b.example", ["SIZE=2000001"])[0] == 552
        code, _ = client.mail("a@b.example", ["SIZE=2000000"])
        assert code == 250
    file = sender.letter(to)
    file.add_attachment(b"x" * 1_000_001, maintype="application", subtype="x-y", filename="a")
    assert sender.refused(file, to).startswith("554 5.6.0 attachments.0.content: At most ")
    with sender.line() as line:
        line.begin(to)
        line.say(b"0123456789 x\r\n" * 150_000)
        line.say(b"\r\n.\r\n")
        assert line.hear() == "552 5.3.4 Message too large"
        line.begin(to)
        line.say(sender.letter(to).as_bytes() + b".\r\n")
        assert line.hear().startswith("250 ")


def test_what_has_no_end_is_hung_up_on(sender: Sender) -> None:
    with sender.line() as line:
        line.begin(somebody())
        with pytest.raises(OSError):  # noqa: PT012 # whichever of them is the first to notice
            while True:
                line.say(b"x" * 100_000)


# What is wrong with us


@pytest.mark.once  # it is SQLite's file that is locked
@pytest.mark.timeout(180)
def test_a_database_that_cannot_take_writes(post: Post, sender: Sender) -> None:
    to = somebody()
    with sender.client() as client:
        lock = sqlite3.connect(post.server.data / "gatepost.db", timeout=30, isolation_level=None)
        lock.execute("BEGIN IMMEDIATE")
        try:
            code, said = talk(client, sender.letter(to), to)
        finally:
            lock.rollback()
            lock.close()
        assert (code, said[:6]) == (451, "4.3.0 ")
        queued(*talk(client, sender.letter(to), to))


def test_no_log_names_a_secret_or_says_what_was_written(post: Post, sender: Sender) -> None:
    to, phrase = somebody(), unique("phrase")
    sender.send(sender.letter(to, text=phrase), to)
    login(post, "guess-4711-guess")
    with post.line() as line:
        line.ask("EHLO test")
        line.ask("AUTH LOGIN")
        line.ask(encoded("emailit"))
        line.ask("not base64 " + sender.secret)
        line.ask(encoded(sender.secret))
        line.ask(sender.secret)
    said = post.server.output()
    for secret in (sender.secret, "guess-4711-guess", phrase):
        assert secret not in said
        assert secret.upper() not in said
        assert encoded(secret) not in said
    assert plain(sender.secret) not in said
