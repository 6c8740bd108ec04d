"""Files that `gatepost import` is given: as spreadsheets write them, cut off, hostile."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatepost.cli.imports import reading
from tests.process.importing import Importer, lines, table
from tests.server import Server

ROWS = [{"email": "ann@example.com", "reason": "moved"}, {"email": "zoë@example.com", "reason": ""}]
TEXT = table(ROWS)


@pytest.fixture
def bring(server: Server, tmp_path: Path) -> Importer:
    """Imports into an account of its own."""
    return Importer(server, tmp_path, server.make_account())


@pytest.mark.once
@pytest.mark.parametrize(
    "content",
    [
        TEXT.encode(),
        TEXT.encode("utf-8-sig"),
        TEXT.encode("utf-16"),
        b"\xfe\xff" + TEXT.encode("utf-16-be"),
        TEXT.replace("\r\n", "\n").encode(),
        TEXT.replace("\r\n", "\r").encode(),
        TEXT.replace("\r\n", "\r\n\r\n").encode(),
        ("\n\n" + TEXT).encode(),
        TEXT.rstrip().encode(),
        table(ROWS, ";").encode(),
        table(ROWS, "\t").encode(),
        TEXT.replace("email", '"E-MAIL "').encode(),
        json.dumps(ROWS).encode("utf-8-sig"),
        json.dumps(ROWS).encode("utf-16"),
        ("\n " + json.dumps(ROWS)).encode(),
        lines(ROWS).replace("\n", "\r\n").encode(),
    ],
)
def test_files_as_programs_write_them(bring: Importer, content: bytes) -> None:
    assert bring.results("suppressions", content) == ["created", "created"]


@pytest.mark.once
@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "is empty"),
        (b"\n \n", "is empty"),
        (b"\xef\xbb\xbf", "is empty"),
        ("émail\n".encode("latin-1"), "line 1 is no UTF-8"),
        (b"email\na@example.com\n\xff\n", "line 3 is no UTF-8"),
        ("email\n".encode("utf-16-le"), "no text"),
        (b"\xff\xfea", "no UTF-16-LE"),
        (b"\x00" * 5000, "no text"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "no UTF-8"),
        (b"colour\nred\n", "no column email (or address"),
        (b"email,Address\na@example.com,b@example.com\n", "more than one column"),
        (b'"email', "no header"),
        (b"[1, 2", "neither JSON nor JSON lines"),
        (b"{" * 100_000, "neither JSON nor JSON lines"),
        (b"[" * 100_000 + b"]" * 100_000, "neither JSON nor JSON lines"),
        (b'[{"email": NaN}]', "neither JSON nor JSON lines"),
        (b'[{"email": ' + b"9" * 10_000 + b"}]", "neither JSON nor JSON lines"),
    ],
)
def test_what_is_no_such_file_is_refused_as_a_whole(
    bring: Importer, content: bytes, why: str
) -> None:
    assert why in bring.fails("suppressions", content)


def test_rows_that_cannot_be_read_are_refused_alone(bring: Importer) -> None:
    file = "email,reason\na@example.com,x,y\nb@example.com\nc@example.com,ok\n"
    assert bring.results("suppressions", file) == ["refused", "refused", "created"]
    some = [
        {"email": "d@example.com"},
        5,
        None,
        [],
        "e@example.com",
        {"email": ["f@example.com"]},
        {"email": 7},
        {"email": None},
        {},
        {"email": "g@example.com", "Email": "h@example.com"},
        {"email": "\ud800@example.com"},
        {"email": "i@example.com"},
    ]
    expected = ["created", *["refused"] * (len(some) - 2), "created"]
    assert bring.results("suppressions", json.dumps(some)) == expected


def test_lines_that_are_no_json_are_refused_alone(bring: Importer) -> None:
    deep = "[" * 50_000 + "]" * 50_000
    some = [
        '{"email": "a@example.com"}',
        "nonsense",
        deep,
        "",
        '{"email": "b@example.com"}',
        '{"em',
    ]
    expected = ["created", "refused", "refused", "created", "refused"]
    assert bring.results("suppressions", "\n".join(some)) == expected


def test_after_a_quote_that_never_ends_nothing_is_believed(bring: Importer) -> None:
    file = 'email,reason\na@example.com,"x ""y"" z"\nb@example.com,"cut\nc@example.com,\n'
    report = bring("suppressions", file)
    assert [row["result"] for row in report["suppressions"]] == ["created", "refused"]
    assert "nothing after it was read" in report["suppressions"][1]["note"]
    file = 'email,reason\nd@example.com,"x"y\ne@example.com,\n'
    assert bring.results("suppressions", file) == ["refused"]


def test_cells_may_hold_anything(bring: Importer) -> None:
    text = 'a "quoted", \r\nbroken; line\t{{ x }} \N{SNOWMAN} \u2028'
    wide = "w" * 150_000
    rows = [
        {"alias": "odd", "subject": "S", "text": text},
        {"alias": "wide", "subject": "S", "text": wide},
        {"alias": "wider", "subject": "S", "text": "w" * 3_000_000},
    ]
    for content in (table(rows), json.dumps(rows)):
        report = bring("templates", content)
        assert report["refused"] == 1
    kept = {row[0]: row[1] for row in _texts(bring)}
    assert kept == {"odd": text, "wide": wide}


def test_names_of_columns_that_say_too_much_are_not_repeated(bring: Importer) -> None:
    odd = "x" * 50
    header = ("email", "colour", odd, "\x1b[31mred")
    file = table([dict.fromkeys(header, "a@example.com")])
    assert bring("suppressions", file)["unused"] == ["colour", "…"]


@pytest.mark.once
@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_whatever_a_file_holds_it_is_rows_or_no_such_file(content: bytes) -> None:
    try:
        rows = list(reading.read(content).rows)
    except ValueError:
        return
    assert [row.number for row in rows] == list(range(1, len(rows) + 1))


WORD = st.text(max_size=5)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | WORD,
    lambda some: st.lists(some, max_size=2) | st.dictionaries(WORD, some, max_size=2),
    max_leaves=4,
)
FEW = settings(max_examples=30)


@pytest.mark.once
@FEW
@given(st.lists(st.dictionaries(WORD.filter(lambda name: name != "data"), JSON, max_size=3)))
def test_rows_of_json_come_as_they_were_written(rows: list[dict[str, object]]) -> None:
    for text in (json.dumps(rows), json.dumps({"data": rows}), lines(rows)):
        if text:
            assert [row.cells for row in reading.read(text.encode()).rows] == rows


@pytest.mark.once
@FEW
@given(st.lists(st.lists(st.text(), min_size=2, max_size=2)))
def test_rows_of_csv_come_as_they_were_written(cells: list[list[str]]) -> None:
    rows = [dict(zip(("a", "b"), row, strict=True)) for row in cells]
    text = table(rows or [{"a": "", "b": ""}])
    found = [row.cells for row in reading.read(text.encode(errors="ignore")).rows]
    clean = [{k: v.encode(errors="ignore").decode() for k, v in row.items()} for row in rows]
    assert found == (clean or [{"a": "", "b": ""}])


def _texts(bring: Importer) -> list[tuple[str, str]]:
    raw = bytes.fromhex(bring.account.removeprefix("account_"))
    text = "SELECT alias, text FROM templates WHERE account_id = ?"
    return [(str(alias), str(found)) for alias, found in bring.server.query(text, raw)]
