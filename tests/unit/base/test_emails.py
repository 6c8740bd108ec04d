import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepost.base import emails
from gatepost.base.emails import Address

NAMES = st.text(st.characters(exclude_categories=("Cc", "Cs")), max_size=60)
LOCALS = st.text(
    st.characters(exclude_categories=("Cc", "Cs"), exclude_characters="<>"), min_size=1, max_size=15
)


@pytest.mark.parametrize(
    ("text", "name", "spec"),
    [
        ("jane@example.com", "", "jane@example.com"),
        ("Jane <jane@Example.COM>", "Jane", "jane@example.com"),
        ('"Doe, Jane" <j.d+x@example.com>', "Doe, Jane", "j.d+x@example.com"),
        ("jürgen@straße.de", "", "jürgen@xn--strae-oqa.de"),
        ("用户@例え.jp", "", "用户@xn--r8jz45g.jp"),
        ('"a b"@example.com', "", '"a b"@example.com'),
        ("<jane@localhost>", "", "jane@localhost"),
        (" jane@example.com ", "", "jane@example.com"),
    ],
)
def test_read(text: str, name: str, spec: str) -> None:
    found = emails.read(text)
    assert (found.name, found.spec) == (name, spec)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "jane",
        "@example.com",
        "jane@",
        "a@b@c.de",
        "a b@c.de",
        "a..b@c.de",
        ".a@c.de",
        "a@c..de",
        "a@-c.de",
        "a@c_d.de",
        "a@[127.0.0.1]",
        "a@127.0.0.1",
        "a@c.de, b@c.de",
        "a@c.de\r\nBcc: b@c.de",
        "a@c.de\0",
        "Jane\n <a@c.de>",
        "Jane <x> <a@c.de>",
        '""@c.de',
        '"a"b"@c.de',
        '"a\\"@c.de',
        f"{'a' * 65}@c.de",
        f"a@{'b' * 64}.de",
        f"a@{'b.' * 130}de",
        f"{'x' * 201} <a@c.de>",
    ],
)
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(ValueError, match=r"Must|has at most"):
        emails.read(text)


@pytest.mark.parametrize("text", ["Jane@Example.com", "JANE@example.COM", "X <jane@example.com>"])
def test_spellings_of_one_mailbox(text: str) -> None:
    assert emails.normal(text) == "jane@example.com"


def test_accents_may_be_written_in_two_ways() -> None:
    assert emails.normal("jürgen@a.de") == emails.normal("ju\u0308rgen@a.de")


@given(NAMES, LOCALS)
def test_what_is_written_is_read_again(name: str, local: str) -> None:
    one = Address(name.strip(), local, "example.com")
    assert emails.read(str(one)) == one


@given(st.text(max_size=80))
def test_whatever_is_read_is_one_line_and_one_address(text: str) -> None:
    try:
        found = emails.read(text)
    except ValueError:
        return
    assert emails.read(str(found)) == found
    assert emails.read(found.spec).spec == found.spec
    assert not {"\r", "\n", "\0"} & set(str(found))
