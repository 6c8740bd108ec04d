"""E-mail addresses: read, checked, written. Pure."""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

LOCAL_BYTES_MAX = 64
ADDRESS_BYTES_MAX = 254
NAME_MAX = 200
QUOTED_MIN = 2
FORMS = "Must be an address, as jane@example.com or Jane <jane@example.com>"

_WORD = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\u0080-\U0010ffff-]+"
_ATOM = re.compile(rf"{_WORD}(?:\.{_WORD})*")
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


class Address(NamedTuple):
    """A mailbox, perhaps with a person's name. `local` is without quotes, `domain` in lower case
    and in the form that the DNS knows.
    """

    name: str
    local: str
    domain: str

    @property
    def spec(self) -> str:
        """The address alone, as it goes over the wire (RFC 5321, 4.1.2)."""
        local = self.local if _is_atom(self.local) else quoted(self.local)
        return f"{local}@{self.domain}"

    @property
    def is_ascii(self) -> bool:
        """Whether every server can take it (RFC 6531)."""
        return self.local.isascii()

    def __str__(self) -> str:
        """The form that `read` reads."""
        if not self.name:
            return self.spec
        return f"{quoted(self.name)} <{self.spec}>"


def read(text: str) -> Address:
    """Read `a@b` or `Name <a@b>`; raises ValueError, whose text may be shown."""
    if any(unicodedata.category(one) == "Cc" for one in text):
        raise ValueError("Must not have control characters")
    plain, name = text.strip(), ""
    if plain.endswith(">"):
        before, _, rest = plain[:-1].rpartition("<")
        name, plain = _name(before.strip()), rest.strip()
    local, _, domain = plain.rpartition("@")
    found = Address(name, _local(local), to_ascii(domain))
    if len(found.spec.encode()) > ADDRESS_BYTES_MAX:
        raise ValueError(f"An address has at most {ADDRESS_BYTES_MAX} bytes")
    return found


def normal(text: str) -> str:
    """What two spellings of one mailbox have in common; raises ValueError."""
    found = read(text)
    local = unicodedata.normalize("NFC", found.local).casefold()
    return Address("", local, found.domain).spec


def quoted(text: str) -> str:
    """A text as a quoted string (RFC 5322, 3.2.4)."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def to_ascii(domain: str) -> str:
    """A domain as the DNS knows it (RFC 5891), in lower case; raises ValueError."""
    folded = (domain if domain.isascii() else _encoded(domain)).lower()
    labels = folded.split(".")
    if len(folded) > ADDRESS_BYTES_MAX or not all(_LABEL.fullmatch(one) for one in labels):
        raise ValueError(FORMS)
    if labels[-1].isdigit():
        raise ValueError("Must not be an address of a machine")
    return folded


def _encoded(domain: str) -> str:
    import idna  # noqa: PLC0415 # its tables take memory, and few need them

    try:
        return idna.encode(domain, uts46=True).decode()
    except idna.IDNAError:
        raise ValueError(FORMS) from None


def _name(text: str) -> str:
    if len(text) >= QUOTED_MIN and text.startswith('"') and text.endswith('"'):
        text = re.sub(r"\\(.)", r"\1", text[1:-1])
    elif "<" in text or ">" in text:
        raise ValueError(FORMS)
    if len(text) > NAME_MAX:
        raise ValueError(f"A name has at most {NAME_MAX} characters")
    return text


def _is_atom(local: str) -> bool:
    """Whether it needs no quotes (RFC 6532, 3.2); blanks and what cannot be seen do."""
    hidden = any(unicodedata.category(one)[0] in "CZ" for one in local)
    return bool(_ATOM.fullmatch(local)) and not hidden


def _local(text: str) -> str:
    found = text
    if len(text) > QUOTED_MIN and text.startswith('"') and text.endswith('"'):
        inner = text[1:-1]
        if re.search(r'(?<!\\)(?:\\\\)*"', inner) or re.search(r"(?<!\\)(?:\\\\)*\\$", inner):
            raise ValueError(FORMS)
        found = re.sub(r"\\(.)", r"\1", inner)
        if "<" in found or ">" in found:
            raise ValueError(FORMS)
    elif not _is_atom(text):
        raise ValueError(FORMS)
    if len(found.encode()) > LOCAL_BYTES_MAX:
        raise ValueError(f"What is before the @ has at most {LOCAL_BYTES_MAX} bytes")
    return found
