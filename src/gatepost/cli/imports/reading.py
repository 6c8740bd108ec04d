"""Files of rows: CSV, and JSON as an array, as pages (`{"data": […]}`) or as one value a line.

Pure: bytes in, rows out. What is said of a file never quotes it: it may hold secrets.
"""

from __future__ import annotations

import codecs
import csv
import io
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, NoReturn

BYTES_MAX = 128 * 1024 * 1024
PAGE = "data"
"""The member of a page that holds its rows, or its one row."""

_DELIMITERS = ",;\t"
_BLANK = re.compile(r"\s*")
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


class Row(NamedTuple):
    """One row, counted from 1 without the header; where `fault` says why, it could not be read."""

    number: int
    cells: Mapping[str, Any]
    fault: str = ""


class Source(NamedTuple):
    """The rows of a file; `header` is None where each row names its own members."""

    header: tuple[str, ...] | None
    rows: Iterator[Row]


def read(content: bytes) -> Source:
    """Read a file; raises ValueError for what is no such file from its beginning."""
    if len(content) > BYTES_MAX:
        raise ValueError(f"it has more than {BYTES_MAX // 1024 // 1024} MiB: split it")
    text = _decoded(content)
    if not text.strip():
        raise ValueError("it is empty")
    return Source(None, _json(text)) if text.lstrip()[0] in "[{" else _csv(text)


def _decoded(content: bytes) -> str:
    bom, encoding = next((one for one in _BOMS if content.startswith(one[0])), (b"", "utf-8"))
    try:
        return content[len(bom) :].decode(encoding)
    except UnicodeDecodeError as wrong:
        line = content[: wrong.start + len(bom)].count(b"\n") + 1
        raise ValueError(f"line {line} is no {encoding.upper()}") from None


def _csv(text: str) -> Source:
    csv.field_size_limit(BYTES_MAX)
    first = text.lstrip("\r\n").splitlines()[0]
    delimiter = max(_DELIMITERS, key=first.count)
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        header = tuple(next(line for line in lines if line))
    except csv.Error:
        raise ValueError("its first line is no header of CSV") from None
    if any("\x00" in name for name in header):
        raise ValueError("its first line is no text: save it as UTF-8")
    return Source(header, _records(header, lines))


def _records(header: tuple[str, ...], lines: Iterator[list[str]]) -> Iterator[Row]:
    number = 0
    try:
        for line in lines:
            if line:
                number += 1
                yield _record(number, header, line)
    except csv.Error:
        # Where a quote is wrong, nobody knows where the next row begins.
        yield Row(number + 1, {}, "no CSV, and nothing after it was read: see to its quotes")


def _record(number: int, header: tuple[str, ...], line: list[str]) -> Row:
    if len(line) != len(header):
        return Row(number, {}, f"{len(line)} cells under {len(header)} columns")
    return Row(number, dict(zip(header, line, strict=True)))


def _json(text: str) -> Iterator[Row]:
    try:
        values = list(_values(text))
    except (ValueError, RecursionError):
        values = _lines(text)
    found = (one for value in values for one in _unpacked(value))
    return (
        Row(number, {}, value.why)
        if isinstance(value, _Unread)
        else Row(number, value)
        if isinstance(value, dict)
        else Row(number, {}, "no object")
        for number, value in enumerate(found, 1)
    )


class _Unread(NamedTuple):
    """A line that is no JSON."""

    why: str


def _values(text: str) -> Iterator[Any]:
    """Values one after the other, on a line each or not; raises ValueError and RecursionError."""
    at, end = _skip(text, 0), len(text)
    while at < end:
        value, at = _DECODER.raw_decode(text, at)
        yield value
        at = _skip(text, at)


def _lines(text: str) -> list[Any]:
    """Values on a line each; raises ValueError where the first one is none."""
    values = [_value(line) for line in text.split("\n") if line.strip()]
    if isinstance(values[0], _Unread):
        raise ValueError("it is neither JSON nor JSON lines")  # noqa: TRY004 # the file is at fault
    return values


def _value(line: str) -> Any:
    try:
        return _DECODER.decode(line)
    except ValueError:
        return _Unread("no JSON")
    except RecursionError:
        return _Unread("nested too deeply")


def _unpacked(value: Any) -> Iterator[Any]:
    """The rows that a value holds: an array's, a page's, or itself."""
    if isinstance(value, dict) and isinstance(value.get(PAGE), list | dict):
        value = value[PAGE]
    yield from value if isinstance(value, list) else [value]


def _skip(text: str, at: int) -> int:
    match = _BLANK.match(text, at)
    return match.end() if match else at


def _refuse(_name: str) -> NoReturn:
    raise ValueError("no number of JSON")


_DECODER = json.JSONDecoder(parse_constant=_refuse)
