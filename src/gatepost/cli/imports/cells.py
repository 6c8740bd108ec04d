"""Cells of a row: which column they belong to, and what they say. Pure.

What is refused is a ValueError, whose text quotes no cell.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from gatepost.base import clock, crypto
from gatepost.domains.keys.model import PREFIXES

CHARS_MAX = 1_000_000
"""Longer than any value may be."""
NAME_CHARS_MAX = 40
NAMES_MAX = 1000
LABEL_CHARS_MAX = 200
RUN_MIN = 16
PREFIXED_MIN = 20

TRUE = {"true", "1", "yes", "on"}
FALSE = {"false", "0", "no", "off"}

_FILLING = re.compile(r"[\s_.-]+")
_NO_WORD = re.compile(r"[^A-Za-z0-9]+")
_PARTS = re.compile(r"[\s,;|]+")


class Column(NamedTuple):
    """A column by its name, and what else it may be called; all without regard to case, blanks,
    `_`, `.` and `-`.
    """

    name: str
    aliases: tuple[str, ...] = ()
    needed: bool = False


class Cells(NamedTuple):
    """The cells of a row by the names of columns. What is left empty is not there."""

    given: Mapping[str, Any]

    def has(self, name: str) -> bool:
        """Whether the row says anything, null too."""
        return name in self.given

    def any(self, name: str) -> Any:
        """A value as it is, None for none."""
        return self.given.get(name)

    def text(self, name: str) -> str:
        """A text as it is, empty for none."""
        value = self.given.get(name)
        if value is None:
            return ""
        if not isinstance(value, str):
            raise ValueError(f"{name}: must be text")  # noqa: TRY004 # the file is at fault
        return value

    def word(self, name: str) -> str:
        """A text without blanks around it."""
        return self.text(name).strip()

    def needed(self, name: str) -> str:
        """A text that must be there."""
        found = self.word(name)
        if not found:
            raise ValueError(f"{name}: is needed")
        return found

    def words(self, name: str) -> tuple[str, ...]:
        """Several words: a list, or a text with blanks, commas, semicolons or bars between."""
        value = self.given.get(name)
        if isinstance(value, list) and all(isinstance(one, str) for one in value):
            return tuple(one.strip() for one in value)
        return tuple(one for one in _PARTS.split(self.word(name)) if one)

    def flag(self, name: str) -> bool | None:
        """Yes or no, however it is written; None for neither."""
        value = self.given.get(name)
        text = str(value).strip().lower() if isinstance(value, bool | int | str) else None
        if value is None or text == "":
            return None
        if text not in TRUE | FALSE:
            raise ValueError(f"{name}: must be true or false")
        return text in TRUE

    def moment(self, name: str) -> int | None:
        """A moment in ms, UTC where it names no offset; None for none."""
        text = self.word(name)
        if not text:
            return None
        try:
            return clock.from_datetime(datetime.fromisoformat(text))
        except (ValueError, OverflowError):
            raise ValueError(f"{name}: must be a time, as 2031-12-31T18:00:00Z") from None


class Fitter:
    """Says which columns cells belong to, and remembers the names that belong to none."""

    def __init__(self, columns: Sequence[Column]) -> None:
        """Learn the columns of what is imported."""
        self._columns = columns
        names = [(one.name, name) for one in columns for name in (one.name, *one.aliases)]
        self._folded = {fold(alias): name for name, alias in names}
        self._known: dict[str, str | None] = {}
        self.unused: dict[str, None] = {}

    def check(self, header: Sequence[str]) -> None:
        """Raise ValueError for a header that cannot be meant."""
        found = {self._column(name) for name in header}
        for one in self._columns:
            if one.needed and one.name not in found:
                also = f" (or {', '.join(one.aliases)})" if one.aliases else ""
                raise ValueError(f"it has no column {one.name}{also} in its first line")
        self._placed((name, None) for name in header)

    def fit(self, cells: Mapping[str, Any]) -> Cells:
        """Sort a row's cells; raises ValueError."""
        return Cells(self._placed((name, value) for name, value in cells.items() if value != ""))

    def label(self, cells: Mapping[str, Any], column: str) -> str:
        """What a row may be called by, in a report: the beginning of one of its cells."""
        found = (value for name, value in cells.items() if self._column(name) == column)
        value = next(found, "")
        if not isinstance(value, str) or secretlike(value):
            return ""
        return value.strip()[:LABEL_CHARS_MAX].encode(errors="replace").decode()

    def _placed(self, pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
        placed: dict[str, Any] = {}
        for name, value in pairs:
            column = self._column(name)
            if column is None:
                continue
            if column in placed:
                raise ValueError(f"{column}: more than one column means it")
            placed[column] = sound(column, value)
        return placed

    def _column(self, name: str) -> str | None:
        """The column that a name means, looked up once; there may be ever new names."""
        if name not in self._known:
            self._known = self._known if len(self._known) < NAMES_MAX else {}
            self._known[name] = self._folded.get(fold(name))
            if self._known[name] is None and len(self.unused) < NAMES_MAX:
                self.unused[shown(name)] = None
        return self._known[name]


def fold(name: str) -> str:
    """What spellings of one column have in common."""
    return _FILLING.sub("", name).casefold()


def shown(name: str) -> str:
    """The name of a column as it may be repeated: a file without a header begins with data."""
    told = len(name) <= NAME_CHARS_MAX and not secretlike(name) and name.isprintable()
    return name.strip() if told else "…"


def secretlike(text: str) -> bool:
    """Whether a text may well be somebody's secret."""
    plain = text.strip()
    if len(plain) >= PREFIXED_MIN and plain.startswith((*PREFIXES.values(), *FOREIGN)):
        return True
    return any(
        len(run) >= RUN_MIN and not run.isdigit() and (not run.isalpha() or _drawn(run))
        for run in _NO_WORD.split(plain)
    )


FOREIGN = ("secret_", "em_", "sk_")
"""What further secrets begin with."""


def _drawn(run: str) -> bool:
    return not run.islower() and not run.isupper() and crypto.estimated_bits(run) > len(run) * 5


def sound(name: str, value: Any) -> Any:
    """A value that every database can keep; raises ValueError."""
    try:
        for text in _texts(value):
            if len(text) > CHARS_MAX:
                raise ValueError(f"{name}: has more than {CHARS_MAX} characters")
            if "\x00" in text:
                raise ValueError(f"{name}: must not contain U+0000")
            text.encode()
    except UnicodeEncodeError:
        raise ValueError(f"{name}: has half a character") from None
    except RecursionError:
        raise ValueError(f"{name}: is nested too deeply") from None
    return value


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)
    elif isinstance(value, dict):
        for name, one in value.items():
            yield name
            yield from _texts(one)
