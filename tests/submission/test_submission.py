"""Mails that are handed in by SMTP: what arrives of them, and what is known of them."""

import smtplib
from email.message import EmailMessage

from tests.delivery.mails import somebody
from tests.delivery.smtp import Mailserver
from tests.server import unique
from tests.submission.posting import Sender, encoded, plain, queued, talk
from tests.waiting import wait_for


def test_a_mail_is_delivered_as_one_of_the_api(sender: Sender, behind: Mailserver) -> None:
    to = somebody()
    letter = sender.letter(f"Jane Doe <{to}>", From=f"Ada <{sender.address}>", Subject="Grüße 😀")
    message_id = sender.send(letter, to)
    done, got = sender.delivery(message_id), behind.one(to)
    assert (done["state"], done["recipient"]) == ("succeeded", to)
    assert got.message["From"] == f"Ada <{sender.address}>"
    assert got.message["To"] == f"Jane Doe <{to}>"
    assert got.message["Subject"] == "Grüße 😀"
    assert got.message.get_content() == "How are you?\r\n"
    assert got.sender.endswith(sender.domain), "bounces return to the sending domain"
    assert b"DKIM-Signature" in got.raw
    message = sender.admin.get(f"/v1/messages/{message_id}")
    assert message["type"] == "emailit.email"


def test_what_is_in_a_mail_arrives(sender: Sender, behind: Mailserver) -> None:
    to, picture = somebody(), bytes(range(256))
    letter = sender.letter(
        to,
        text="Grüße\nvon uns\n.\n..two",
        Reply_To="Support <help@example.com>",
        X_Campaign="Frühling",
        References="<a@example.com>",
        Message_ID="<mine@example.com>",
        Received="from nowhere",
        X_Gatepost_Id="forged",
    )
    letter.add_alternative('<p>Grüße <img src="cid:logo"></p>', subtype="html")
    html = list(letter.iter_parts())[-1]
    assert isinstance(html, EmailMessage)
    html.add_related(picture, "image", "png", cid="<logo>", filename="löwe.png")
    letter.add_attachment(
        b"%PDF\0\r\n.\r\n", maintype="application", subtype="pdf", filename="ä.pdf"
    )
    letter.add_attachment(EmailMessage(), filename="inner.eml")
    sender.send(letter, to)
    got = behind.one(to).message
    text, page = got.get_body(("plain",)), got.get_body(("html",))
    assert text is not None
    assert page is not None
    assert text.get_content().splitlines() == ["Grüße", "von uns", ".", "..two"]
    assert page.get_content().strip() == '<p>Grüße <img src="cid:logo"></p>'
    (inline,) = [one for one in got.walk() if one["Content-ID"] == "<logo>"]
    assert (inline.get_filename(), inline.get_content()) == ("löwe.png", picture)
    files = {one.get_filename(): one for one in got.iter_attachments()}
    assert set(files) == {"ä.pdf", "inner.eml"}
    assert files["ä.pdf"].get_content() == b"%PDF\0\r\n.\r\n"
    assert got["Reply-To"] == "Support <help@example.com>"
    assert (got["X-Campaign"], got["References"]) == ("Frühling", "<a@example.com>")
    assert got["Message-ID"] != "<mine@example.com>"
    assert (got["Received"], got["X-Gatepost-Id"]) == (None, None)
    assert got.defects == []


def test_mails_of_a_key_on_hold_are_kept_and_sent_to_nobody(
    sender: Sender, behind: Mailserver
) -> None:
    to = somebody()
    (key,) = [one for one in sender.admin.get("/v1/keys")["keys"] if one["scopes"] == ["sending"]]
    held = sender.admin.send("PATCH", f"/v1/keys/{key['id']}", {"holdMails": True})
    assert held.status_code == 200
    done = sender.delivery(sender.send(sender.letter(to), to))
    assert (done["state"], done["error"]) == ("failed", "Mails of this key are held")
    assert behind.to(to) == []


def test_the_envelope_says_who_gets_it_and_the_headers_what_they_see(
    sender: Sender, behind: Mailserver
) -> None:
    to, cc, bcc, other = (somebody(one) for one in ("to", "cc", "bcc", "other"))
    letter = sender.letter(to, f"Other <{other}>", Cc=cc)
    message_id = sender.send(letter, to, cc, bcc, bcc)
    sent = sender.admin.get(f"/v1/messages/{message_id}")["deliveries"]
    assert {one["recipient"] for one in sent} == {to, cc, bcc}
    for one in (to, cc, bcc):
        got = behind.one(one)
        assert got.recipients == [one]
        assert (got.message["To"], got.message["Cc"]) == (f"{to}, Other <{other}>", cc)
        assert bcc.encode() not in got.raw
    assert not behind.to(other)


def test_nobody_is_named(sender: Sender, behind: Mailserver) -> None:
    to = somebody()
    sender.send(sender.letter("undisclosed-recipients:;"), to)
    assert behind.one(to).message["To"] == "undisclosed-recipients:;"


def test_several_mails_over_one_connection(sender: Sender, behind: Mailserver) -> None:
    people = [somebody() for _ in range(3)]
    with sender.client("gatepost") as client:
        for to in people:
            queued(*talk(client, sender.letter(to), to))
    assert [behind.one(to).recipients for to in people] == [[to] for to in people]


def test_pipelined_commands_are_answered_in_order(sender: Sender, behind: Mailserver) -> None:
    first, second = somebody(), somebody()
    with sender.line() as line:
        for to in (first, second):
            line.say(f"MAIL FROM:<a@b.example>\r\nRCPT TO:<{to}>\r\nDATA\r\n".encode())
            assert [line.hear()[:3] for _ in range(3)] == ["250", "250", "354"]
            line.say(sender.letter(to).as_bytes() + b".\r\nNOOP\r\nRSET\r\n")
            assert [line.hear()[:3] for _ in range(3)] == ["250", "250", "250"]
        assert line.ask("QUIT").startswith("221 ")
    assert behind.one(first).recipients == [first]
    assert behind.one(second).recipients == [second]


def test_what_it_says_that_it_can(sender: Sender) -> None:
    with sender.post.client() as client:
        client.ehlo()
        assert {"pipelining", "8bitmime", "smtputf8", "auth"} <= set(client.esmtp_features)
        assert client.esmtp_features["size"] == "2000000"
        assert "starttls" not in client.esmtp_features


def test_every_way_to_log_in(sender: Sender) -> None:
    secret = sender.secret
    for words in (
        [f"AUTH PLAIN {plain(secret)}"],
        [f"AUTH PLAIN {plain(secret, 'gatepost', 'gatepost')}"],
        ["AUTH PLAIN", plain(secret)],
        ["auth login", encoded("emailit"), encoded(secret)],
        [f"AUTH LOGIN {encoded('gatepost')}", encoded(secret)],
    ):
        with sender.post.line() as line:
            line.ask("EHLO test")
            *before, last = [line.ask(one) for one in words]
            assert all(one.startswith("334 ") for one in before)
            assert last == "235 2.7.0 Authentication successful"
            assert line.ask(f"AUTH PLAIN {plain(secret)}").startswith("503 ")


def test_8_bits_and_utf8(sender: Sender, behind: Mailserver) -> None:
    to = f"zoë-{unique('a')}@example.com"
    letter = (
        f"From: Jürgen <{sender.address}>\r\nTo: Zoë <{to}>\r\nSubject: Grüße\r\n"
        "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
        "Schöne Grüße\r\n"
    ).encode()
    with sender.line() as line:
        assert line.ask(f"RCPT TO:<{to}>").startswith("503 ")
        line.ask("MAIL FROM:<a@b.example> BODY=8BITMIME")
        assert line.ask(f"RCPT TO:<{to}>").startswith("553 5.6.7 ")
        line.ask("RSET")
        line.ask("MAIL FROM:<a@b.example> BODY=8BITMIME SMTPUTF8 AUTH=<>")
        assert line.ask(f"RCPT TO:<{to}>").startswith("250 ")
        line.ask("DATA")
        line.say(letter + b".\r\n")
        assert line.hear().startswith("250 ")
    got = behind.one(to).message
    assert (got["Subject"], got.get_content().strip()) == ("Grüße", "Schöne Grüße")
    assert got["From"].addresses[0].display_name == "Jürgen"


def test_mails_and_refusals_are_metered(sender: Sender) -> None:
    first, second = somebody(), somebody()
    sender.send(sender.letter(first), first, second)
    assert sender.refused(b"\r\n", second).startswith("554 ")

    def metered() -> dict[str, tuple[int, int, int]]:
        rows = sender.admin.get("/v1/usage?groupBy=endpoint&groupBy=status")["rows"]
        mine = [one for one in rows if one["group"]["endpoint"] == "SMTP"]
        return {
            str(one["group"]["status"]): (one["requests"], one["units"], one["errors"])
            for one in mine
        }

    wait_for(lambda: "554" in metered(), "the refusal")
    assert metered() == {"250": (1, 2, 0), "554": (0, 0, 1)}


def test_a_suppressed_recipient_gets_nothing(sender: Sender, behind: Mailserver) -> None:
    to, off = somebody(), somebody()
    assert sender.admin.send("POST", "/v1/suppressions", {"email": off}).status_code == 201
    message_id = sender.send(sender.letter(to, off), to, off)
    sent = sender.admin.get(f"/v1/messages/{message_id}")["deliveries"]
    (one,) = [one for one in sent if one["recipient"] == off]
    assert (one["state"], one["error"]) == ("failed", "Suppressed: recipient")
    assert behind.one(to).recipients == [to]
    assert not behind.to(off)


def test_a_mail_without_a_text_or_with_a_file_alone(sender: Sender, behind: Mailserver) -> None:
    to, other = somebody(), somebody()
    sender.send(sender.letter(to, text=""), to)
    file = sender.letter(other)
    file.set_content(b"a,b", "text", "csv", filename="a.csv")
    sender.send(file, other)
    assert behind.one(to).message.get_content().strip() == ""
    (found,) = behind.one(other).message.iter_attachments()
    assert (found.get_filename(), found.get_payload(decode=True)) == ("a.csv", b"a,b")


def test_the_client_of_emailits_documentation(sender: Sender, behind: Mailserver) -> None:
    """As it is written everywhere: `send_message` of Python's own client."""
    to = somebody()
    with smtplib.SMTP("127.0.0.1", sender.post.port, timeout=30) as client:
        client.login("emailit", sender.secret)
        assert client.send_message(sender.letter(to)) == {}
    assert behind.one(to).message["To"] == to
