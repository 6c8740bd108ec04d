"""Mails and commands that nobody should send: they are refused, and harm nobody."""

import random

import pytest

from tests.delivery.mails import somebody
from tests.delivery.smtp import Mailserver
from tests.server import unique
from tests.submission.posting import Sender, plain

BARE = "554 5.6.0 Lines end with CR and LF together, and neither stands alone"


def raw(sender: Sender, to: str, text: str = "Hi", **headers: str) -> bytes:
    """A mail as a test wants it to be written; an empty header is left out."""
    all_ = {"From": sender.address, "To": to, "Subject": "Hello"}
    all_ |= {name.replace("_", "-"): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in all_.items() if value)
    return f"{head}\r\n{text}\r\n".encode()


def handed(sender: Sender, to: str, content: bytes) -> str:
    """The answer to a mail that is sent as it is, without its last line."""
    with sender.line() as line:
        line.begin(to)
        line.say(content + b".\r\n")
        return line.hear()


@pytest.mark.parametrize(
    "end", [b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r\n.\r", b"\r.\r\n", b"\n.\r"]
)
def test_no_mail_hides_within_another(sender: Sender, behind: Mailserver, end: bytes) -> None:
    """What other servers have taken for the end of a mail."""
    to, hidden = somebody(), somebody("hidden")
    second = b"MAIL FROM:<a@b.example>\r\nRCPT TO:<%s>\r\nDATA\r\n" % hidden.encode()
    content = raw(sender, to).removesuffix(b"\r\n") + end + second + raw(sender, hidden)
    with sender.line() as line:
        line.begin(to)
        line.say(content + b".\r\n")
        assert line.hear() == BARE
        assert line.ask("NOOP").startswith("250 "), "the rest was no command"
    assert not behind.to(hidden)
    assert not behind.to(to)


@pytest.mark.parametrize("bare", ["a\nb", "a\rb", "\n", "\r\r\n"])
def test_bare_ends_of_lines(sender: Sender, bare: str) -> None:
    to = somebody()
    assert handed(sender, to, raw(sender, to, text=bare)) == BARE
    assert handed(sender, to, raw(sender, to, X_Bare=bare)) == BARE


def test_a_header_that_hides_another(sender: Sender, behind: Mailserver) -> None:
    to, hidden = somebody(), somebody("hidden")
    word = f"=?utf-8?q?Hi=0D=0ABcc:_{hidden}?="
    assert handed(sender, to, raw(sender, to, Subject=word)).startswith("554 5.6.0 subject: ")
    assert handed(sender, to, raw(sender, to, X_Own=word)).startswith("554 5.6.0 headers.X-Own: ")
    for name in ("From", "To", "Reply_To"):
        said = handed(sender, to, raw(sender, to, **{name: f"{word} <{sender.address}>"}))
        assert said.startswith("554 5.6.0 "), name
    assert not behind.to(to)
    assert not behind.to(hidden)


@pytest.mark.parametrize(
    ("headers", "said"),
    [
        ({"From": ""}, "554 5.6.0 From: Must name one address"),
        ({"From": "nobody"}, "554 5.6.0 From: Must name one address"),
        ({"From": "a@b.example, c@d.example"}, "554 5.6.0 From: Must name one address"),
        ({"From": "<>"}, "554 5.6.0 From: Must name one address"),
        ({"Subject": ""}, "554 5.6.0 subject: Required"),
        ({"from": "other@b.example"}, "554 5.6.0 from: Is there twice"),
        ({"subject": "Another one"}, "554 5.6.0 subject: Is there twice"),
        ({"X_Too_Long": "x" * 4001}, "554 5.6.0 headers.X-Too-Long: Not a header"),
        ({"Content_Type": "multipart/signed; boundary=x"}, "554 5.6.0 Signed and encrypted mails"),
        ({"Content_Type": "multipart/mixed"}, "554 5.6.0 The mail is malformed"),
        ({"Content_Type": "multipart/mixed; boundary=x"}, "554 5.6.0 The mail is malformed"),
    ],
)
def test_malformed_headers(sender: Sender, headers: dict[str, str], said: str) -> None:
    to = somebody()
    assert handed(sender, to, raw(sender, to, **headers)).startswith(said)


def test_gigantic_headers(sender: Sender) -> None:
    to = somebody()
    long = handed(sender, to, raw(sender, to, X_Long="x" * 100_000))
    assert long == "554 5.6.0 X-Long: A header has at most 16384 characters"
    folded = handed(sender, to, raw(sender, to, X_Long="\r\n ".join(["x" * 900] * 100)))
    assert folded == long
    many = {f"X_{number}": "x" * 10_000 for number in range(20)}
    assert handed(sender, to, raw(sender, to, **many)) == (
        "554 5.6.0 Headers have at most 131072 characters together"
    )
    crowd = ", ".join(f"a{number}@example.com" for number in range(600))
    assert handed(sender, to, raw(sender, to, To=crowd)) == (
        "554 5.6.0 to: At most 8192 characters"
    )
    own = {f"X_{number}": "x" for number in range(51)}
    assert handed(sender, to, raw(sender, to, **own)).startswith("554 5.6.0 headers: At most 50")


def test_nul(sender: Sender) -> None:
    to = somebody()
    assert handed(sender, to, raw(sender, to, text="a\0b")) == "554 5.6.0 A mail has no NUL"
    hidden = {"Content_Transfer_Encoding": "base64", "Content_Type": "text/plain"}
    assert handed(sender, to, raw(sender, to, text="YQBi", **hidden)).startswith("554 5.6.0 ")


def test_parts_within_parts(sender: Sender) -> None:
    to = somebody()
    deep = "".join(
        f"--b{at}\r\nContent-Type: multipart/mixed; boundary=b{at + 1}\r\n\r\n" for at in range(500)
    )
    kind = {"Content_Type": "multipart/mixed; boundary=b0"}
    said = handed(sender, to, raw(sender, to, text=deep, **kind))
    assert said == "554 5.6.0 Parts are nested at most 10 deep"
    many = "--b0\r\n\r\nx\r\n" * 1000
    assert handed(sender, to, raw(sender, to, text=many, **kind)) == (
        "554 5.6.0 A mail has at most 250 parts"
    )
    forwarded = "--b0\r\nContent-Type: message/rfc822\r\n\r\n" * 300
    assert handed(sender, to, raw(sender, to, text=forwarded, **kind)).startswith("554 5.6.0 ")
    assert handed(sender, to, raw(sender, to, text="\r\n" * 500_000)) == (
        "554 5.6.0 Too many lines"
    )


@pytest.mark.parametrize(
    "charset",
    ["punycode", "idna", "unicode_escape", "utf-7", "zlib", "rot13", "nonsense", "utf-16"],
)
def test_strange_encodings(sender: Sender, behind: Mailserver, charset: str) -> None:
    to = somebody()
    kind = {"Content_Type": f"text/plain; charset={charset}"}
    text = "Hello \\ud800 +2AA- there"
    assert handed(sender, to, raw(sender, to, text=text, **kind)).startswith("250 ")
    assert behind.one(to).recipients == [to]


def test_what_takes_pythons_parser_long_is_refused_soon(sender: Sender) -> None:
    to = somebody()
    for headers in (
        {"To": "(" * 8000},
        {"To": "<" * 8000},
        {"From": "@" * 8000},
        {"Reply_To": '"' + '\\"' * 4000},
        {"Content_Type": "text/plain" + "; a=b" * 65},
        {"Content_Type": "text/plain; " + "(" * 4000},
    ):
        said = handed(sender, to, raw(sender, to, **headers))
        assert said[:3] in {"250", "554"}, headers


def test_a_reply_is_one_line_whatever_it_repeats(sender: Sender) -> None:
    to = somebody()
    said = handed(sender, to, raw(sender, to, From="Zoë <zoë@straße.example>"))
    assert said == (
        "530 From/Sender domain is not verified for this workspace."
        " From: zo\\xeb@xn--strae-oqa.example"
    )


def test_commands_that_make_no_sense(sender: Sender) -> None:
    with sender.line() as line:
        for said, answer in (
            ("MAIL", "501 "),
            ("MAIL FROM:", "501 "),
            ("MAIL FROM:(a", "553 "),
            ("MAIL FROM:<a@b.example> RET=FULL", "555 "),
            ("MAIL FROM:<a@b.example> BODY=BINARYMIME", "501 "),
            ("RCPT TO:<a@b.example>", "503 "),
            ("DATA", "503 "),
            ("MAIL FROM:<a@b.example>", "250 "),
            ("MAIL FROM:<a@b.example>", "503 "),
            ("AUTH PLAIN", "503 "),
            ("DATA", "503 "),
            ("RCPT TO:<>", "553 "),
            ("RCPT TO:<nobody>", "553 "),
            ("RCPT TO:<a@[127.0.0.1]>", "553 "),
            ("RCPT TO:<a@b.example> NOTIFY=NEVER", "555 "),
            ("RCPT TO:<a@b.example>", "250 "),
            ("DATA now", "501 "),
            ("STARTTLS", "454 "),
            ("EXPN staff", "502 "),
            ("BDAT 10", "500 "),
            ("\x01\x02", "500 "),
        ):
            assert line.ask(said).startswith(answer), said
        line.say(b"\xff\xfe\r\n")
        assert line.hear().startswith("500 ")
        line.say(b"RCPT TO:<\xff@b.example>\r\n")
        assert line.hear()[:1] == "5"
        line.say(b"NOOP " + b"x" * 200_000 + b"\r\n")
        assert line.hear().startswith("500 ")
        assert line.ask("NOOP").startswith("250 ")


def test_noise(sender: Sender) -> None:
    """Whatever is said, the server stays, and so do the connections of others."""
    chance = random.Random(4711)
    words = [
        b"MAIL",
        b"RCPT",
        b"FROM:",
        b"TO:",
        b"<",
        b">",
        b"@",
        b"a",
        b" ",
        b"\r",
        b"\n",
        b"\0",
        b"AUTH",
        b"EHLO",
        b"\xff",
        b".",
        b'"',
        b"(",
        b":",
        b",",
        b"\\",
        b"=",
        b"VRFY",
        b"HELP",
    ]
    with sender.line() as other:
        for _ in range(60):
            with sender.line() as line:
                noise = [b"".join(chance.choices(words, k=30)) for _ in range(4)]
                line.say(b"\r\n".join([*noise, b"QUIT\r\n"]))
                while line.hear():
                    pass
        assert other.ask("NOOP").startswith("250 ")
    assert "Traceback" not in sender.post.server.output()


def test_a_client_that_hangs_up_amid_a_mail(sender: Sender, behind: Mailserver) -> None:
    to, marker = somebody(), unique("half")
    with sender.line() as line:
        line.begin(to)
        line.say(raw(sender, to, text=marker))
    with sender.line() as line:
        line.begin(to)
        line.say(raw(sender, to) + b".\r\n")
        assert line.hear().startswith("250 ")
    assert marker.encode() not in behind.one(to).raw
    assert plain(sender.secret) not in sender.post.server.output()
