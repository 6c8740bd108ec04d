"""Mails through an SMTP server: what arrives, and what becomes of it where it does not."""

import base64
from collections.abc import Iterator
from pathlib import Path

import dkim  # type: ignore[import-untyped] # it has no types
import httpx2
import pytest

from tests.api.admin import Admin, make_admin
from tests.delivery.certificates import Authority
from tests.delivery.conftest import NEAR
from tests.delivery.mails import ended, login, mail, make_smtp, refused, somebody
from tests.delivery.sending import await_attempts, await_state
from tests.delivery.smtp import PASSWORD, USER, Mailserver, drops, says, stalls
from tests.dialects.native.wire import data_of
from tests.server import Server, unique

SENDER = "Gatepost <noreply@example.net>"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mail")


@pytest.fixture(scope="module")
def authority(folder: Path) -> Authority:
    return Authority(folder)


@pytest.fixture(scope="module")
def relay(authority: Authority) -> Iterator[Mailserver]:
    """The operator's server: encrypted by STARTTLS, with a login."""
    with Mailserver(tls=authority.context("127.0.0.1"), login=True) as running:
        yield running


@pytest.fixture
def plain() -> Iterator[Mailserver]:
    """A server of the test's own, which offers nothing."""
    with Mailserver() as running:
        yield running


@pytest.fixture(scope="module")
def posting(folder: Path, authority: Authority, relay: Mailserver) -> Iterator[Server]:
    """A server that sends through the operator's."""
    password = PASSWORD.replace(" ", "%20")
    env = {
        "SSL_CERT_FILE": str(authority.file),
        "GATEPOST_SMTP_URL": f"smtp://{USER}:{password}@127.0.0.1:{relay.port}",
        "GATEPOST_MAIL_FROM": SENDER,
    }
    with Server(folder / "data", env=NEAR | env) as running:
        yield running


@pytest.fixture
def poster(posting: Server, http: httpx2.Client) -> Admin:
    """An account of the test's own on it."""
    return make_admin(posting, http)


def test_a_mail_arrives_encrypted_and_logged_in(poster: Admin, relay: Mailserver) -> None:
    to = somebody()
    done = ended(poster, mail(poster, f"Jane <{to}>"))
    got = relay.one(to)
    (attempt,) = done["log"]
    assert (done["state"], done["status"], attempt["via"]) == ("succeeded", 250, "smtp")
    assert attempt["response"] == "250 2.0.0 taken"
    assert (got.encrypted, got.user, got.sender) == (True, USER, "noreply@example.net")
    assert got.message["From"] == SENDER
    assert got.message["To"] == f"Jane <{to}>"
    assert got.message["Subject"] == "Hello"
    assert got.message.get_content() == "How are you?\r\n"
    assert got.message["Message-ID"].endswith("@example.net>")
    assert got.message["Date"].datetime.tzinfo is not None


def test_what_is_in_a_mail_is_read_back_by_pythons_parser(poster: Admin, relay: Mailserver) -> None:
    to = somebody()
    subject = "Ihre Bestellung: 4711 Stück → für Zoë" + ", lang" * 30
    picture, letter = bytes(range(256)), "Grüße\n".encode("utf-16")
    mail(
        poster,
        [f'"Müller, Jürgen; 😀" <{to}>', "Sam (x) <sam@straße.example>"],
        replyTo="Zoë <zoe@example.com>",
        subject=subject,
        text="Grüße\nvon\r\nuns",
        html='<p>Grüße <img src="cid:logo"></p>',
        headers={"X-Campaign": "Frühling", "References": "<a@example.com>"},
        attachments=[
            {"filename": "löwe.png", "content": encoded(picture), "contentId": "logo"},
            {"filename": "Ünï (1).txt", "content": encoded(letter), "contentType": "text/plain"},
            {"filename": "data", "content": encoded(b"\0\r\n.\r\n")},
        ],
    )
    got = relay.one(to).message
    names = [(one.display_name, one.addr_spec) for one in got["To"].addresses]
    assert names == [
        ("Müller, Jürgen; 😀", to),
        ("Sam (x)", "sam@xn--strae-oqa.example"),
    ]
    assert got["Reply-To"] == "Zoë <zoe@example.com>"
    assert got["Subject"] == subject
    assert (got["X-Campaign"], got["References"]) == ("Frühling", "<a@example.com>")
    text, html = got.get_body(("plain",)), got.get_body(("html",))
    assert text is not None
    assert html is not None
    assert text.get_content().splitlines() == ["Grüße", "von", "uns"]
    assert html.get_content().strip() == '<p>Grüße <img src="cid:logo"></p>'
    (inline,) = [one for one in got.walk() if one["Content-ID"] == "<logo>"]
    assert inline.get_content_disposition() == "inline"
    assert (inline.get_filename(), inline.get_content()) == ("löwe.png", picture)
    assert inline.get_content_type() == "image/png"
    files = {one.get_filename(): one for one in got.iter_attachments()}
    assert set(files) == {"Ünï (1).txt", "data"}
    assert files["Ünï (1).txt"].get_payload(decode=True) == letter
    assert files["data"].get_content() == b"\0\r\n.\r\n"
    assert got.defects == []


def test_each_recipient_has_a_delivery_and_nobody_sees_who_is_in_bcc(
    poster: Admin, relay: Mailserver
) -> None:
    to, cc, bcc = somebody("to"), somebody("cc"), somebody("bcc")
    message = mail(
        poster, [to, to.upper().replace("EXAMPLE.COM", "example.com")], cc=[cc], bcc=[bcc, cc]
    )
    assert [one["recipient"] for one in message["deliveries"]] == [to, cc, bcc]
    mails = [relay.one(one) for one in (to, cc, bcc)]
    assert [one.recipients for one in mails] == [[to], [cc], [bcc]]
    assert len({one.message["Message-ID"] for one in mails}) == 1
    for one in mails:
        assert one.message["Cc"] == cc
        assert "Bcc" not in one.message
        assert bcc.encode() not in one.raw


def test_only_bcc(poster: Admin, relay: Mailserver) -> None:
    bcc = somebody()
    mail(poster, [], bcc=[bcc])
    assert relay.one(bcc).message["To"] == "undisclosed-recipients:;"


def test_an_account_may_send_in_the_name_of_the_settings_alone(poster: Admin) -> None:
    body = {"to": somebody(), "subject": "x", "text": "y"}
    assert refused(poster, **body, **{"from": "boss@elsewhere.example"}) == [["from"]]
    assert refused(poster, **body, **{"from": "other@example.net"}) == [["from"]]
    ended(poster, mail(poster, somebody(), **{"from": "Somebody <noreply@example.net>"}))


def test_what_is_refused_for_now_is_tried_again_as_the_same_mail(
    poster: Admin, relay: Mailserver
) -> None:
    to = somebody()
    tried: list[str] = []

    async def busy_once(exchange: object) -> str | None:
        del exchange
        tried.append(to)
        return "451 4.3.0 Try again later" if len(tried) == 1 else None

    relay.does[to] = busy_once
    retry = {"retry": {"delaysSeconds": [0.1, 0.1]}}
    done = ended(poster, mail(poster, to, common=retry))
    assert [one["status"] for one in done["log"]] == [451, 250]
    assert done["log"][0]["response"] == "451 4.3.0 Try again later"
    ids = {one["headers"]["Message-ID"] for one in done["log"]}
    assert ids == {relay.one(to).message["Message-ID"]}


def test_what_is_refused_for_ever_fails_at_once(poster: Admin, relay: Mailserver) -> None:
    to = somebody()
    relay.does[to] = says("554 5.7.1 We do not like it")
    done = ended(poster, mail(poster, to))
    (attempt,) = done["log"]
    assert (done["state"], attempt["status"], attempt["fault"]) == ("failed", 554, "status")
    assert attempt["nextAt"] is None
    assert poster.send("GET", f"/v1/suppressions/{to}").status_code == 404


def test_who_is_not_there_gets_nothing_more(poster: Admin, relay: Mailserver) -> None:
    to = somebody("nobody")
    relay.refuses[to] = "550 5.1.1 No such user here"
    assert ended(poster, mail(poster, to))["status"] == 550
    found = poster.get(f"/v1/suppressions/{to}")
    assert (found["type"], found["reason"]) == ("bounce", "550 5.1.1 No such user here")
    del relay.refuses[to]
    (attempt,) = ended(poster, mail(poster, to.upper()))["log"]
    assert (attempt["ok"], attempt["fault"]) == (False, "suppressed")
    assert relay.to(to) == []


def test_a_full_mailbox_is_no_bounce(poster: Admin, relay: Mailserver) -> None:
    to = somebody()
    relay.refuses[to] = "552 5.2.2 Mailbox full, no such space for this user"
    assert ended(poster, mail(poster, to))["state"] == "failed"
    assert poster.send("GET", f"/v1/suppressions/{to}").status_code == 404


def test_one_that_stalls_or_drops_is_tried_again(poster: Admin, relay: Mailserver) -> None:
    slow, broken = somebody("slow"), somebody("broken")
    relay.does |= {slow: stalls, broken: drops}
    retry = {"retry": {"delaysSeconds": [0.1]}}
    message = mail(poster, [slow, broken], common=retry)
    faults = {}
    for one in message["deliveries"]:
        done = await_state(poster, one["id"])
        assert len(done["log"]) == 2
        faults[done["log"][0]["headers"]["Recipient"]] = {each["fault"] for each in done["log"]}
    assert faults == {slow: {"timeout"}, broken: {"network"}}


def test_connections_are_used_again_and_a_lost_one_is_not_missed(
    poster: Admin, plain: Mailserver
) -> None:
    make_smtp(poster, plain)
    before = plain.connections
    first = [somebody() for _ in range(5)]
    for to in first:
        ended(poster, mail(poster, to, **{"from": "me@example.org"}))
    assert len({plain.one(to).connection for to in first}) == 1
    assert plain.connections == before + 1
    plain.hang_up()
    to = somebody()
    done = ended(poster, mail(poster, to, **{"from": "me@example.org"}))
    assert (done["state"], len(done["log"])) == ("succeeded", 1)
    assert plain.one(to).connection == before + 2


def test_nothing_is_told_in_clear(poster: Admin, plain: Mailserver) -> None:
    make_smtp(poster, plain, tls="required", **login())
    before = plain.connections
    to = somebody()
    message = mail(poster, to, **{"from": "me@example.org"})
    (attempt, *_) = await_attempts(poster, message["deliveries"][0]["id"], 1)["log"]
    assert (attempt["fault"], attempt["via"]) == ("tls", "smtp")
    assert "STARTTLS" in attempt["error"]
    assert plain.connections == before + 1
    assert plain.to(to) == []


@pytest.mark.parametrize("tls", ["implicit", "required"])
def test_a_server_must_be_who_it_says(poster: Admin, authority: Authority, tls: str) -> None:
    context = authority.context("somebody-else.example")
    with Mailserver(tls=context, implicit=tls == "implicit", login=True) as impostor:
        make_smtp(poster, impostor, tls=tls, **login())
        message = mail(poster, somebody(), **{"from": "me@example.org"})
        (attempt, *_) = await_attempts(poster, message["deliveries"][0]["id"], 1)["log"]
        assert attempt["fault"] == "tls", attempt
        assert impostor.logins == []
        assert impostor.mails == []


def test_encryption_from_the_beginning(poster: Admin, authority: Authority) -> None:
    context = authority.context("127.0.0.1")
    with Mailserver(tls=context, implicit=True, login=True) as server:
        make_smtp(poster, server, tls="implicit", **login())
        to = somebody()
        done = ended(poster, mail(poster, to, **{"from": "me@example.org"}))
        assert done["state"] == "succeeded", done["log"]
        assert (server.one(to).encrypted, server.one(to).user) == (True, USER)


def test_a_wrong_password_is_told_and_never_shown(
    poster: Admin, posting: Server, authority: Authority
) -> None:
    with Mailserver(tls=authority.context("127.0.0.1"), login=True) as server:
        made = make_smtp(poster, server, tls="required", username=USER, secret="hunter-two")
        assert made["hasSecret"] is True
        message = mail(poster, somebody(), **{"from": "me@example.org"})
        (one,) = message["deliveries"]
        (attempt, *_) = await_attempts(poster, one["id"], 1)["log"]
        assert (attempt["status"], attempt["fault"]) == (535, "configuration")
        assert attempt["nextAt"] is not None
    seen = [
        poster.send("GET", path).text
        for path in ("/v1/mailers", f"/v1/messages/{message['id']}", "/v1/audit")
    ]
    assert not any("hunter-two" in text for text in (*seen, posting.output()))
    stored = posting.query("SELECT secret FROM mailers")
    assert stored
    assert not any(b"hunter-two" in bytes(secret) for (secret,) in stored)


def test_addresses_in_other_scripts(poster: Admin) -> None:
    to = f"用户{somebody()}"
    with Mailserver() as able, Mailserver(utf8=False) as unable:
        own = make_smtp(poster, able)
        done = ended(poster, mail(poster, to, **{"from": "me@example.org"}))
        assert done["state"] == "succeeded", done["log"]
        assert f"To: {to}\r\n".encode() in able.one(to).raw
        poster.send("PATCH", f"/v1/mailers/{own['id']}", {"enabled": False})
        make_smtp(poster, unable)
        (attempt,) = ended(poster, mail(poster, to, **{"from": "me@example.org"}))["log"]
        assert (attempt["fault"], attempt["nextAt"]) == ("provider", None)
        assert unable.mails == []


def encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()


def trusted(posting: Server, poster: Admin) -> str:
    """A sending domain of the account, which somebody vouches for."""
    name = f"{unique('news')}.example.com"
    posting.cli("domain", "add", name, "--trust", "--account", poster.account)
    return name


def test_a_mail_of_a_sending_domain_is_signed_for_it(
    poster: Admin, posting: Server, relay: Mailserver
) -> None:
    name, to = trusted(posting, poster), somebody()
    files = [{"filename": "a.bin", "content": encoded(bytes(range(256)))}]
    whole = {"html": "<p>Grüße</p>\n.\n", "unsubscribe": True, "attachments": files}
    ended(poster, mail(poster, f"Jürgen <{to}>", **{"from": f"Jane <jane@{name}>"}, **whole))
    (domain,) = poster.get("/v1/domains")["domains"]
    (record,) = [one for one in domain["records"] if one["purpose"] == "dkim"]
    asked: list[bytes] = []

    def published(name: bytes, timeout: int = 5) -> bytes:
        del timeout
        asked.append(name)
        return str(record["value"]).encode()

    raw = relay.one(to).raw
    assert dkim.verify(raw, dnsfunc=published)
    assert asked == [f"{record['name']}.".encode()]
    signed = raw.partition(b"\r\n\r\n")[0].lower()
    for header in (b"from", b"to", b"subject", b"message-id", b"list-unsubscribe-post"):
        assert header in signed.partition(b" h=")[2].partition(b";")[0].replace(b" ", b"")
    assert not dkim.verify(raw.replace(b"Subject: Hello", b"Subject: Hullo"), dnsfunc=published)


def test_a_domain_that_was_removed_sends_nothing_more(
    poster: Admin, posting: Server, relay: Mailserver
) -> None:
    name, to = trusted(posting, poster), somebody()
    relay.does[to] = says("451 4.3.0 Try again later", None)
    retry = {"retry": {"delaysSeconds": [0.7]}}
    message = mail(poster, to, common=retry, **{"from": f"jane@{name}"})
    await_attempts(poster, message["deliveries"][0]["id"], 1)
    (domain,) = poster.get("/v1/domains")["domains"]
    poster.send("DELETE", f"/v1/domains/{domain['id']}")
    done = ended(poster, message)
    assert (done["state"], done["log"][-1]["fault"]) == ("failed", "configuration")
    assert relay.to(to) == []


def test_a_key_bound_to_a_domain_sends_from_it_alone(
    poster: Admin, posting: Server, relay: Mailserver
) -> None:
    name, other, to = trusted(posting, poster), trusted(posting, poster), somebody()
    key = poster.make(scopes=["messages:send"], sendingDomain=name, projectId=poster.project)
    bound = poster.using(key["key"])
    body = {"to": to, "subject": "x", "text": "y"}
    for sender in ({}, {"from": f"a@{other}"}, {"from": f"a@sub.{name}"}):
        response = bound.send("POST", "/v1/messages", {"email": body | sender})
        assert response.status_code == 403
    mail(bound, to, **{"from": f"a@{name}"})
    assert relay.one(to).sender == f"a@{name}"


def test_a_template_gives_what_a_mail_leaves_out(poster: Admin, relay: Mailserver) -> None:
    alias, to = unique("welcome"), somebody()
    new = {
        "alias": alias,
        "subject": "Welcome, {{name}}",
        "html": "<p>Hi {{name}}</p>",
        "text": "Hi {{name}}",
        "from": "Team <noreply@example.net>",
        "replyTo": "help@example.net",
    }
    data_of(poster.send("POST", "/v1/templates", new), 201)
    email = {"to": to, "template": alias, "variables": {"name": "Zoë <&>"}}
    message = data_of(poster.send("POST", "/v1/messages", {"email": email}), 202)
    ended(poster, message)
    got = relay.one(to).message
    assert (got["Subject"], got["From"]) == ("Welcome, Zoë <&>", "Team <noreply@example.net>")
    assert got["Reply-To"] == "help@example.net"
    html, text = got.get_body(("html",)), got.get_body(("plain",))
    assert html is not None
    assert text is not None
    assert html.get_content().strip() == "<p>Hi Zoë &lt;&amp;&gt;</p>"
    assert text.get_content().strip() == "Hi Zoë <&>"
    assert poster.get(f"/v1/messages/{message['id']}")["payload"]["template"] == alias
    assert refused(poster, to=to, template="none-of-this-name") == [["template"]]


def test_the_same_request_again_after_its_template_has_gone(poster: Admin) -> None:
    alias, once = unique("once"), unique("key")
    new = {"alias": alias, "subject": "Hi", "text": "Hi"}
    made = data_of(poster.send("POST", "/v1/templates", new), 201)
    email = {"email": {"to": somebody(), "template": alias}}
    first = poster.send("POST", "/v1/messages", email, once)
    poster.send("DELETE", f"/v1/templates/{made['id']}")
    again = poster.send("POST", "/v1/messages", email, once)
    assert (again.status_code, again.content) == (202, first.content)
    assert poster.send("POST", "/v1/messages", email).status_code == 400
