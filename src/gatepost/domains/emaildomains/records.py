"""The records a sending domain publishes, and whether what was found is what it should be. Pure.

SPF is RFC 7208, DKIM keys RFC 6376 (3.6.1), DMARC RFC 7489 (6.3).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

import msgspec

from gatepost.base.config import Settings
from gatepost.domains.emaildomains.model import (
    REQUIRED,
    Finding,
    Findings,
    Purpose,
    RecordStatus,
    SendingDomain,
)

PRIORITY = 10
NOBODY = "localhost"


class Layout(msgspec.Struct, frozen=True):
    """What records lead to: the host that bounces return to, and the mechanisms of SPF."""

    host: str
    spf: tuple[str, ...]


class Record(msgspec.Struct, frozen=True):
    """A record to publish; `priority` is that of an MX."""

    purpose: Purpose
    type: str
    name: str
    value: str
    priority: int | None = None

    @property
    def required(self) -> bool:
        """Whether nothing is sent without it."""
        return self.purpose in REQUIRED


class Answer(msgspec.Struct, frozen=True):
    """What name servers said: texts, or `priority host` of an MX, none where there is no such
    record; or the `fault` that kept them from saying it.
    """

    values: tuple[str, ...] = ()
    fault: str | None = None


def layout_of(settings: Settings) -> Layout:
    """What the settings say of this installation's mail."""
    host = settings.mail_host or urlsplit(settings.public_url).hostname or NOBODY
    host = host.rstrip(".").lower()
    return Layout(host, tuple(settings.mail_spf.split()) or (f"a:{host}",))


def records_of(domain: SendingDomain, layout: Layout) -> list[Record]:
    """What a domain is to publish."""
    key = f"v=DKIM1; t=s; h=sha256; p={domain.public_key}"
    spf = " ".join(("v=spf1", *layout.spf, "~all"))
    back = domain.return_path
    return [
        Record(Purpose.DKIM, "TXT", f"{domain.selector}._domainkey.{domain.name}", key),
        Record(Purpose.SPF, "TXT", back, spf),
        Record(Purpose.RETURN_PATH, "MX", back, layout.host, PRIORITY),
        Record(Purpose.DMARC, "TXT", f"_dmarc.{domain.name}", "v=DMARC1; p=none;"),
    ]


def found_of(domain: SendingDomain, layout: Layout) -> list[tuple[Record, Finding]]:
    """What a domain is to publish, and what was found of it last."""
    return [
        (one, domain.findings.get(one.purpose, Finding())) for one in records_of(domain, layout)
    ]


def judge(
    domain: SendingDomain, layout: Layout, answers: Mapping[Purpose, Answer]
) -> dict[Purpose, Finding]:
    """What answers say of a domain's records. Where there was none, what was known stays."""
    return {
        record.purpose: _judge(record, answers.get(record.purpose, Answer()), domain.findings)
        for record in records_of(domain, layout)
    }


def _judge(record: Record, answer: Answer, known: Findings) -> Finding:
    if answer.fault is not None:
        before = known.get(record.purpose, Finding())
        return Finding(before.status, answer.fault)
    mine = tuple(one for one in answer.values if _IS[record.purpose](one))
    if not mine:
        return Finding(RecordStatus.MISSING, _absent(record, answer))
    wrong = _WRONG[record.purpose](record, mine)
    return Finding(RecordStatus.OK) if wrong is None else Finding(RecordStatus.FAILED, wrong)


def _absent(record: Record, answer: Answer) -> str:
    if answer.values:
        return f"{record.name} has {record.type} records, but none of them is this one"
    return f"There is no {record.type} record at {record.name}"


def _wrong_dkim(record: Record, found: tuple[str, ...]) -> str | None:
    wanted, tags = _tags(record.value), _tags(found[0])
    faults = (
        (len(found) > 1, f"{record.name} has {len(found)} keys; receivers take any of them"),
        (not tags.get("p"), "The key is empty, which says that it was revoked"),
        (tags.get("p") != wanted["p"], "It is another key"),
        (tags.get("k", "rsa") != "rsa", "The tag k must be rsa"),
        ("sha256" not in tags.get("h", "sha256").split(":"), "The tag h must name sha256"),
        (not {"*", "email"} & set(tags.get("s", "*").split(":")), "The tag s must name email"),
    )
    return next((words for is_so, words in faults if is_so), None)


def _wrong_spf(record: Record, found: tuple[str, ...]) -> str | None:
    if len(found) > 1:
        return f"{record.name} has {len(found)} SPF records; receivers take none of them"
    terms = [one.lower().removeprefix("+") for one in found[0].split()[1:]]
    ends = [at for at, one in enumerate(terms) if one.lstrip("-~?") == "all"]
    terms = terms[: ends[0]] if ends else terms
    lacks = [one for one in record.value.split()[1:-1] if _mechanism(one) not in terms]
    return f"It does not name {' '.join(lacks)}" if lacks else None


def _wrong_return_path(record: Record, found: tuple[str, ...]) -> str | None:
    hosts = sorted({one.split()[-1].rstrip(".").lower() for one in found})
    others = [one for one in hosts if one != record.value]
    if record.value not in hosts:
        return f"It leads to {', '.join(hosts)}, not to {record.value}"
    return f"It leads to {', '.join(others)} as well" if others else None


def _wrong_dmarc(_record: Record, found: tuple[str, ...]) -> str | None:
    if len(found) > 1:
        return f"There are {len(found)} policies; receivers take none of them"
    policy = _tags(found[0]).get("p", "").lower()
    return None if policy in {"none", "quarantine", "reject"} else "The tag p is no policy"


def _tags(text: str) -> dict[str, str]:
    """The tags of a list (RFC 6376, 3.2), without blanks in their values."""
    pairs = (one.partition("=") for one in text.split(";"))
    return {name.strip(): "".join(value.split()) for name, mark, value in pairs if mark}


def _mechanism(term: str) -> str:
    return term.lower().removeprefix("+")


def _is_key(text: str) -> bool:
    tags = _tags(text)
    return "p" in tags and tags.get("v", "DKIM1") == "DKIM1"


_IS: dict[Purpose, Callable[[str], bool]] = {
    Purpose.DKIM: _is_key,
    Purpose.SPF: lambda text: text.lower().split(" ")[0] == "v=spf1",
    Purpose.RETURN_PATH: bool,
    Purpose.DMARC: lambda text: _tags(text).get("v") == "DMARC1",
}
_WRONG: dict[Purpose, Callable[[Record, tuple[str, ...]], str | None]] = {
    Purpose.DKIM: _wrong_dkim,
    Purpose.SPF: _wrong_spf,
    Purpose.RETURN_PATH: _wrong_return_path,
    Purpose.DMARC: _wrong_dmarc,
}
