"""A mail taken apart by Python's own parser, which is kept from working without end. Pure."""

from __future__ import annotations

import email
from collections.abc import Callable
from email.message import EmailMessage
from email.policy import EmailPolicy
from typing import Any

from gatepost.base.errors import AppError, invalid

HEADER_CHARS_MAX = 16_384
HEADERS_CHARS_MAX = 131_072
"""Of all headers together, those of the parts as well."""
READ_CHARS_MAX = 8192
PARAMETERS_MAX = 64
PARTS_MAX = 250
DEPTH_MAX = 10
CONTENT = "content-"
MESSAGE = "message/"


class Bounds:
    """What a mail may still have."""

    def __init__(self) -> None:
        """Nothing has been read yet."""
        self._parts = PARTS_MAX
        self._chars = HEADERS_CHARS_MAX

    def part(self) -> None:
        """One more part; raises INVALID."""
        self._parts -= 1
        if self._parts < 0:
            raise invalid(([], f"A mail has at most {PARTS_MAX} parts"))

    def header(self, lines: list[str]) -> None:
        """One more header; raises INVALID for what would take the parser long."""
        size = sum(map(len, lines))
        self._chars -= size
        name = lines[0].partition(":")[0]
        if size > HEADER_CHARS_MAX:
            raise invalid(([name[:100]], f"A header has at most {HEADER_CHARS_MAX} characters"))
        if self._chars < 0:
            raise invalid(([], f"Headers have at most {HEADERS_CHARS_MAX} characters together"))
        parameters = sum(one.count(";") for one in lines)
        if name.lower().startswith(CONTENT) and parameters > PARAMETERS_MAX:
            raise invalid(([name[:100]], f"At most {PARAMETERS_MAX} parameters"))


class Part(EmailMessage):
    """A mail, or a part of one."""

    depth = 0

    def __init__(self, policy: Any = None) -> None:
        """Begin one, as the parser does; raises INVALID."""
        super().__init__(policy)
        policy.bounds.part()

    def attach(self, payload: Any) -> None:
        """Take in a part, of which nothing has been read yet; raises INVALID."""
        payload.depth = self.depth + 1
        if payload.depth > DEPTH_MAX:
            raise invalid(([], f"Parts are nested at most {DEPTH_MAX} deep"))
        super().attach(payload)

    @property
    def kind(self) -> str:
        """Its type, as `text/plain`."""
        return super().get_content_type()

    def get_content_type(self) -> str:
        """Its type as the parser is told it: a message within is left as it came."""
        return f"x-{self.kind}" if self.kind.startswith(MESSAGE) else self.kind

    def children(self) -> list[Part]:
        """The parts it consists of; none where it is a leaf."""
        payload = self.get_payload()
        return [one for one in payload if isinstance(one, Part)] if self.is_multipart() else []

    def only(self, name: str) -> Any:
        """The only header of a name, read; None where there is none. Raises INVALID."""
        found = [raw for key, raw in self.raw_items() if key.lower() == name]
        if len(found) > 1:
            raise invalid(([name], "Is there twice"))
        if found and len(found[0]) > READ_CHARS_MAX:
            raise invalid(([name], f"At most {READ_CHARS_MAX} characters"))
        return self._read(name, found[0]) if found else None

    def others(self, than: Callable[[str], bool]) -> list[tuple[str, str]]:
        """The headers that are not of certain kinds: `than` tells by a name in lower case."""
        kept = [(key, raw) for key, raw in self.raw_items() if not than(key.lower())]
        return [(key, spoken(str(self._read(key, raw)).strip())) for key, raw in kept]

    def _read(self, name: str, raw: Any) -> Any:
        return self.policy.header_fetch_parse(name, clean(str(raw)))


class Policy(EmailPolicy):
    """How the parser reads; each mail has one of its own."""

    message_factory = Part
    linesep = "\r\n"
    refold_source = "none"
    bounds = Bounds()

    def header_source_parse(self, sourcelines: list[str]) -> tuple[str, str]:
        """Keep a header as it came; raises INVALID."""
        self.bounds.header(sourcelines)
        return super().header_source_parse(sourcelines)


def take_apart(content: bytes) -> Part:
    """Read a mail; raises INVALID."""
    make: Any = Policy  # its own members can be set as well, which no annotation knows
    policy: Policy = make(bounds=Bounds())
    whole = email.message_from_bytes(content, policy=policy)
    if not isinstance(whole, Part):
        raise TypeError("the parser makes what its policy says")
    return whole


def clean(text: str) -> str:
    """What came in other bytes than ASCII, read as UTF-8 as far as it is."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def spoken(text: str) -> str:
    """A text without halves of characters, which some encodings make."""
    return text.encode("utf-8", "replace").decode()


def malformed() -> AppError:
    """What is said where the parser gives up."""
    return invalid(([], "The mail is malformed"))
