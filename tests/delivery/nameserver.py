"""A name server of a test's own, on UDP of this machine: it answers what it is told to, which may
change from one question to the next.
"""

import socket
import threading
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

BYTES_MAX = 65_535

Texts = Sequence[str]
Zone = Texts | Callable[[], Texts]
"""Records as a zone file has them, or what makes them, asked for each question."""


@dataclass(frozen=True)
class Asked:
    """One question; the name in lower case, without its last dot."""

    name: str
    kind: str


class NameServer:
    """Answers for every name there is: what it was not told of does not exist."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((host, 0))
        self._lock = threading.Lock()
        self._records: dict[tuple[str, str], Zone] = {}
        self._faults: dict[str, dns.rcode.Rcode | None] = {}
        self._asked: list[Asked] = []
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as waker:
            waker.sendto(b"", self._socket.getsockname())
        self._thread.join(timeout=10)
        self._socket.close()

    @property
    def setting(self) -> str:
        """What the setting `dns_servers` says to ask it."""
        host, port = self._socket.getsockname()
        return f"{host}:{port}"

    def put(self, name: str, kind: str, *texts: str) -> None:
        """Answer with these records, as a zone file has them: `put("a.test", "MX", "10 b.test.")`.

        A TXT record is given as its text, of any length. Without records there are none.
        """
        with self._lock:
            self._records[_key(name, kind)] = texts

    def put_each(self, name: str, kind: str, make: Callable[[], Texts]) -> None:
        """Ask a function for the records at each question, in the server's own thread."""
        with self._lock:
            self._records[_key(name, kind)] = make

    def turn(self, name: str, kind: str, *answers: Texts) -> None:
        """Answer one after the other; the last one stays. What rebinds DNS does so."""
        left = list(answers)
        self.put_each(name, kind, lambda: left.pop(0) if len(left) > 1 else left[0])

    def drop(self, name: str, kind: str | None = None) -> None:
        """Forget records of a kind, or all that there is of a name."""
        wanted = _key(name, kind or "")
        with self._lock:
            for key in list(self._records):
                if key == wanted or (kind is None and key[0] == wanted[0]):
                    del self._records[key]

    def fail(self, name: str, code: str = "SERVFAIL") -> None:
        """Answer for a name with a fault (`SERVFAIL`, `REFUSED`, …); `silent` is no answer."""
        with self._lock:
            silent = code == "silent"
            self._faults[_key(name, "")[0]] = None if silent else dns.rcode.from_text(code)

    def mend(self, name: str) -> None:
        """Answer for a name again."""
        with self._lock:
            self._faults.pop(_key(name, "")[0], None)

    def asked(self, name: str | None = None) -> list[Asked]:
        """The questions so far, of one name or all."""
        with self._lock:
            return [one for one in self._asked if name in {None, one.name}]

    def counts(self) -> dict[Asked, int]:
        """How often each question came."""
        counted: dict[Asked, int] = defaultdict(int)
        for one in self.asked():
            counted[one] += 1
        return dict(counted)

    def _serve(self) -> None:
        while True:
            packet, client = self._socket.recvfrom(BYTES_MAX)
            if not packet:
                return
            answer = self._answer(dns.message.from_wire(packet))
            if answer is not None:
                self._socket.sendto(answer.to_wire(max_size=BYTES_MAX), client)

    def _answer(self, query: dns.message.Message) -> dns.message.Message | None:
        question = query.question[0]
        kind = dns.rdatatype.to_text(question.rdtype)
        name = question.name.to_text(omit_final_dot=True).lower()
        response = dns.message.make_response(query, recursion_available=True)
        with self._lock:
            self._asked.append(Asked(name, kind))
            if name in self._faults:
                code = self._faults[name]
                if code is None:
                    return None
                response.set_rcode(code)
                return response
            texts, known = self._texts(name, kind)
        if texts:
            response.answer.append(_rrset(question.name, kind, texts))
        elif not known:
            response.set_rcode(dns.rcode.NXDOMAIN)
        return response

    def _texts(self, name: str, kind: str) -> tuple[Texts, bool]:
        """The records, and whether the name exists at all."""
        found = self._records.get((name, kind), ())
        known = any(one == name or one.endswith(f".{name}") for one, _ in self._records)
        return (found() if callable(found) else found), known


def _key(name: str, kind: str) -> tuple[str, str]:
    return name.rstrip(".").lower(), kind.upper()


def _rrset(name: dns.name.Name, kind: str, texts: Texts) -> dns.rrset.RRset:
    """Records nobody may keep; a long text comes in pieces of 255 characters."""
    lines = [_pieces(text) if kind == "TXT" else text for text in texts]
    return dns.rrset.from_text(name, 0, "IN", kind, *lines)


def _pieces(text: str) -> str:
    escaped = [text[at : at + 255] for at in range(0, len(text), 255)] or [""]
    return " ".join('"' + one.replace("\\", "\\\\").replace('"', '\\"') + '"' for one in escaped)
