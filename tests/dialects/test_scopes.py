"""Every operation of every dialect, asked with every scope there is and with every preset."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import httpx2
import pytest

from gatepost.dialects import DIALECTS
from gatepost.gate import scopes
from gatepost.web.contract import Endpoint
from tests.dialects.emailit.wire import Account, data_of
from tests.dialects.scopetable import NEEDED, PRESETS, SCOPES
from tests.server import Server, unique

AT_ONCE = 8
LACKS = "This key lacks the scope "
ENDS_ITS_KEY = ("eventicat", "regenerateKey")
"""What has neither a body nor an id that could be refused. It is asked last."""
FOR_OPERATORS = {
    ("native", one)
    for one in (
        *("getOperations", "getSettings", "listAccounts", "createAccount", "updateAccount"),
        *("listAllOperators", "switchOperator"),
        *("listBookmarks", "createBookmark", "deleteBookmark"),
    )
}
"""No key is enough for what concerns the whole installation, or a person."""
CHAT = "gotifys://gotify.example.com/token"
NOTHING = b"{"
"""A body that is refused before anything happens."""

Body = dict[str, Any]
MESSAGES: dict[str, Callable[[Body], Any]] = {
    "native": lambda body: (body["code"], body["error"], body["message"]),
    "eventicat": lambda body: body["error"],
    "emmi": lambda body: (body["error"]["code"], body["error"]["message"]),
    "emailit": lambda body: (body["statusCode"], body["error"], body["message"]),
    "notifykit": lambda body: (body["success"], body["error"]),
}
SHAPES: dict[str, Callable[[str], Any]] = {
    "native": lambda words: ("forbidden", "Forbidden", words),
    "eventicat": lambda words: words,
    "emmi": lambda words: ("forbidden", words),
    "emailit": lambda words: (403, "Forbidden", words),
    "notifykit": lambda words: (False, words),
}
"""Where each dialect tells why, and how it tells that a scope is lacking."""


class Operation(NamedTuple):
    """An operation, and the scope that the table says it needs."""

    dialect: str
    endpoint: Endpoint
    needed: str

    @property
    def name(self) -> tuple[str, str]:
        return self.dialect, self.endpoint.operation

    @property
    def path(self) -> str:
        """A path to nothing."""
        return "/".join("nothing" if "{" in part else part for part in self._parts)

    @property
    def _parts(self) -> list[str]:
        return self.endpoint.path.split("/")

    @property
    def is_refused_anyway(self) -> bool:
        """Whether it is one that writes, and has a body or an id to be refused."""
        able = self.endpoint.request is not None or "{" in self.endpoint.path
        return able and self.endpoint.method != "GET"


OPERATIONS = sorted(
    (
        Operation(dialect.name, one, NEEDED.get((dialect.name, one.operation), ""))
        for dialect in DIALECTS
        for one in dialect.endpoints
    ),
    key=lambda one: one.name == ENDS_ITS_KEY,
)


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of its own: one that others use is not asked so much of."""
    with Server(tmp_path_factory.mktemp("scopes") / "data") as running:
        yield running


@pytest.fixture
def owner(asked: Server, http: httpx2.Client) -> Account:
    return Account(asked, http)


def test_the_table_names_every_operation_there_is() -> None:
    assert {one.name for one in OPERATIONS} == set(NEEDED)
    assert set(SCOPES) == set(scopes.PRESETS["full"])
    assert set(PRESETS) == set(scopes.PRESETS)


def test_every_operation_asks_for_the_scope_in_the_table(asked: Server, owner: Account) -> None:
    """Each scope alone, and each preset."""
    held = {scope: {scope} for scope in SCOPES} | PRESETS
    secrets = {name: a_key(owner, name) for name in held}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = [pool.submit(walk, asked, secrets[name], held[name]) for name in held]
        wrong = {name: one.result() for name, one in zip(held, found, strict=True)}
    assert {name: faults for name, faults in wrong.items() if faults} == {}


def test_a_sending_key_that_is_bound_to_a_domain_only_sends(asked: Server, owner: Account) -> None:
    secret = a_bound_key(owner, a_domain(owner))
    assert walk(asked, secret, PRESETS["sending"]) == []


def test_it_sends_from_its_domain_and_in_no_other_way(owner: Account) -> None:
    domain, elsewhere = a_domain(owner), a_domain(owner)
    secret = a_bound_key(owner, domain)
    url = {"url": "https://example.com/hook", "payload": {}}
    assert owner.send("POST", "/emails", a_mail(domain), key=secret).status_code == 201
    assert owner.send("POST", "/emails", a_mail(elsewhere), key=secret).status_code == 422
    assert owner.send("POST", "/emails", a_mail(elsewhere)).status_code == 201
    others: list[tuple[str, Body]] = [
        ("/v1/messages", {"email": a_mail(elsewhere)}),
        ("/v1/messages", {"webhook": url}),
        ("/v1/messages", {"chat": {"url": CHAT, "body": "Hello"}}),
        ("/v1/messages", {"push": {"to": "all", "title": "Hello"}}),
        ("/api/v1/notifications/webhook", url),
    ]
    for path, body in others:
        answer = owner.native("POST", path, body, secret)
        assert (path, body, answer.status_code) == (path, body, 403)


def a_key(owner: Account, scope: str) -> str:
    """A key that is bound to nothing: operators are those of all projects."""
    made = owner.server.make_key(owner.id, None, limit="off", scope=scope, key_format="emmi")
    return made.secret


def a_domain(owner: Account) -> str:
    """A domain that the installation vouches for."""
    name = f"{unique('mail')}.example.com"
    owner.server.cli("domain", "add", name, "--account", owner.id, "--trust")
    return name


def a_bound_key(owner: Account, domain: str) -> str:
    body = {"name": unique("bound"), "scopes": ["sending"], "sendingDomain": domain}
    body |= {"format": "emmi", "projectId": owner.project}
    return str(data_of(owner.native("POST", "/v1/keys", body), 201)["data"]["key"])


def a_mail(domain: str) -> Body:
    address = f"{unique('joe')}@example.com"
    return {"from": f"jane@{domain}", "to": address, "subject": "Hello", "text": "Hello"}


def walk(asked: Server, secret: str, held: set[str]) -> list[str]:
    """Ask for each operation with a key that holds some scopes; what went otherwise than the
    table says.
    """
    address = urlsplit(asked.address)
    headers = {
        "Authorization": f"Bearer {secret}",
        "X-API-Key": secret,
        "Content-Type": "application/json",
    }
    connection = HTTPConnection(str(address.hostname), address.port, timeout=30)
    found = [ask(connection, headers, one, {*held, "any"}) for one in OPERATIONS]
    connection.close()
    return [one for one in found if one]


def ask(
    connection: HTTPConnection, headers: dict[str, str], one: Operation, held: set[str]
) -> str | None:
    body = NOTHING if one.endpoint.request is not None else None
    connection.request(one.endpoint.method, one.path, body, headers)
    answer = connection.getresponse()
    if one.endpoint.stream is not None and answer.status == 200:
        connection.close()
        return fault(one, answer.status, b"", held)
    return fault(one, answer.status, answer.read(), held)


def fault(one: Operation, status: int, body: bytes, held: set[str]) -> str | None:
    """What is wrong about an answer, in words."""
    name = " ".join(one.name)
    if one.needed not in held:
        refused = status == 403 and lacks(one, body)
        return None if refused else f"{name} took no notice of {one.needed}: {status}"
    refuses = {401} if one.name in FOR_OPERATORS else {401, 403}
    if status in refuses or status >= 500:
        return f"{name} refused {one.needed}: {status} {body!r}"
    if one.is_refused_anyway and status < 400:
        return f"{name} did something: {status}"
    return None


def lacks(one: Operation, body: bytes) -> bool:
    """Whether it says in the dialect's own shape that the scope is lacking."""
    said = MESSAGES[one.dialect](json.loads(body))
    return bool(said == SHAPES[one.dialect](LACKS + one.needed))
