"""A secret is shown once: after a busy life no file, no log and no other reply holds one."""

import contextlib
import json
import socket
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest

from tests import plain, program
from tests.server import Server, unique

pytestmark = pytest.mark.once

FORMATS = (
    *("native", "native-test", "emitkit", "eventicat"),
    *("notifykit", "emailit", "emmi", "emmi-multi"),
)
IMPORTED = (
    "secret_Zq7Rm2Xw9Kt4Vb8Nc3Hd6Jf1Lg5Ps0Ya",
    "Tr8Wn3Qz6Mx1Bk9Vd4Hc7Jg2Lf5Sp0YaEuRi",
)
QUIET = {
    "GATEPOST_LOG_LEVEL": "debug",
    "GATEPOST_RATE_LIMIT": "off",
    "GATEPOST_UNKNOWN_KEYS_PER_MINUTE": "100000",
}
PAGES = ("/metrics", "/openapi.json", "/docs", "/healthz", "/readyz")
LISTS = ("/v1/audit", "/v1/refusals", "/v1/keys", "/v1/projects", "/v1/me", "/v1/keys/current")
TAIL = 12


class Life:
    """A server, every secret it gave out or took in, and every other reply it made."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.secrets: list[str] = []
        self.replies: list[tuple[str, str]] = []
        self.statuses: set[int] = set()
        self._http = plain.Client(timeout=30)

    def close(self) -> None:
        self._http.close()

    @property
    def full(self) -> str:
        """The first run's key."""
        assert self.server.first_run_key
        return self.server.first_run_key

    def ask(self, method: str, path: str, key: str | None, **options: Any) -> httpx2.Response:
        headers = dict(options.pop("headers", {}))
        if key is not None:
            headers["Authorization"] = f"Bearer {key}"
        url = self.server.address + path
        reply = self._http.request(method, url, headers=headers, **options)
        self.statuses.add(reply.status_code)
        return reply

    def note(self, method: str, path: str, key: str | None, **options: Any) -> httpx2.Response:
        """The same, for replies that must not hold any secret."""
        reply = self.ask(method, path, key, **options)
        self.replies.append((f"{method} {path}", f"{reply.headers}\n{reply.text}"))
        return reply

    def mint(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """A request whose reply shows a secret, and its repeat, which must not."""
        headers = {"Idempotency-Key": unique("mint")}
        reply = self.ask("POST", path, self.full, json=body, headers=headers)
        assert reply.is_success, reply.text
        made: dict[str, Any] = reply.json()["data"]
        self.secrets.append(made["key"])
        again = self.note("POST", path, self.full, json=body, headers=headers)
        assert again.status_code == 409
        return made


def needles(secret: str) -> set[bytes]:
    """The secret, its random part alone and its end: a start may be kept to tell keys apart."""
    random = max(secret.split("_"), key=len)
    return {part.encode() for part in (secret, random, random[-TAIL:])}


def found_in(content: bytes, secrets: list[str]) -> list[str]:
    return [secret for secret in secrets if any(part in content for part in needles(secret))]


def keys_by_http(life: Life) -> None:
    life.secrets.append(life.full)
    for name in FORMATS:
        made = life.mint("/v1/keys", {"name": unique(name), "format": name})
        life.mint(f"/v1/keys/{made['id']}/rotate", {"graceSeconds": 3600})
    life.mint("/v1/keys", {"name": "reader", "scopes": ["read"]})
    taken = {"name": "taken over", "secret": IMPORTED[0]}
    assert life.note("POST", "/v1/keys", life.full, json=taken).status_code == 201
    assert life.note("POST", "/v1/keys", life.full, json=taken).status_code == 409
    life.secrets.append(IMPORTED[0])


def keys_by_command(life: Life) -> None:
    for name in FORMATS:
        life.secrets.append(str(life.server.cli("key", "create", name, "--format", name)["key"]))
    life.secrets.append(str(life.server.cli("key", "rotate", FORMATS[0])["key"]))
    command = ["key", "import", "carried", "--json"]
    done = program.run(command, env=life.server.env, said=IMPORTED[1])
    assert done.returncode == 0
    life.replies.append(("gatepost key import", done.stdout + done.stderr))
    life.secrets.append(IMPORTED[1])


def use_rightly_and_wrongly(life: Life, secret: str) -> None:
    life.note("GET", "/v1/ping", secret)
    life.note("GET", "/v1/me", secret)
    life.note("GET", f"/v1/ping?_apikey={secret}", None)
    life.note("GET", "/v1/ping", None, headers={"X-API-Key": secret, "Cookie": f"key={secret}"})
    life.note("GET", "/v1/ping", None, headers={"Authorization": secret})
    life.note("GET", "/v1/ping", None, auth=(secret, ""))
    life.note("GET", "/v1/ping", secret + "x")
    life.note("GET", "/v1/ping", secret, headers={"X-Forwarded-For": secret, "Referer": secret})
    life.note("DELETE", f"/v1/ping?key={secret}", secret)


def misplace(life: Life, secret: str) -> None:
    """The secret where something else belongs, sent with a key that may."""
    event = {"channelName": "secrets", "title": "An event"}
    once = {"Idempotency-Key": secret}
    for _ in range(2):
        life.note("POST", "/v1/events", life.full, json=event, headers=once)
    life.note("POST", "/v1/events", life.full, json=event | {"title": "Another"}, headers=once)
    life.note("POST", "/v1/events", life.full, json=event, headers={"X-Project-Id": secret})
    for path in (f"/v1/keys/{secret}", f"/{secret}", f"/v1/events?cursor={secret}&limit={secret}"):
        life.note("GET", path, life.full)
    life.note("DELETE", f"/v1/keys/{secret}", life.full)
    for member in ("projectId", "limit", "expiresAt", "sendingDomain", "format"):
        life.note("POST", "/v1/keys", life.full, json={"name": unique("wrong"), member: secret})
    for member in ("scopes", "allowFrom"):
        life.note("POST", "/v1/keys", life.full, json={"name": unique("wrong"), member: [secret]})
    # This reply has to name the field nobody knows; the logs must not.
    life.ask("POST", "/v1/keys", life.full, json={"name": unique("wrong"), secret: 1})
    life.note("POST", f"/v1/keys?secret={secret}", life.full, content=b"{" + secret.encode())


def speak_nonsense(life: Life, secret: str) -> None:
    """What no HTTP server understands, with a secret inside."""
    where = urlsplit(life.server.address)
    assert where.hostname
    assert where.port
    with socket.create_connection((where.hostname, where.port), timeout=10) as raw:
        raw.sendall(
            f"GET /v1/ping?_apikey={secret} HTTP/9.x\r\nA uthorization {secret}\r\n\r\n".encode()
        )
        with contextlib.suppress(ConnectionError):
            life.replies.append(("nonsense", raw.recv(65536).decode(errors="replace")))


def provoke_faults(life: Life) -> None:
    """Faults of the server's own, while it works with secrets."""
    for table, path in (("events", "/v1/events"), ("audit", "/v1/keys"), ("key_secrets", "/v1/me")):
        with broken(life.server.data / "gatepost.db", table):
            body = {"channelName": "secrets", "title": "An event", "name": unique("fault")}
            options = {} if path == "/v1/me" else {"json": body}
            key = life.full if options else life.secrets[-1] + "y"
            method = "POST" if options else "GET"
            assert life.note(method, path, key, **options).status_code >= 400
    assert 500 in life.statuses


@contextlib.contextmanager
def broken(database: Path, table: str) -> Iterator[None]:
    rename = "PRAGMA legacy_alter_table=ON", f"ALTER TABLE {table} RENAME TO hidden"
    back = "PRAGMA legacy_alter_table=ON", f"ALTER TABLE hidden RENAME TO {table}"
    run(database, *rename)
    yield
    run(database, *back)


def run(database: Path, *statements: str) -> None:
    with contextlib.closing(sqlite3.connect(database, timeout=30)) as direct:
        for statement in statements:
            direct.execute(statement)
        direct.commit()


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Life]:
    data = tmp_path_factory.mktemp("secrets") / "data"
    with Server(data, env=QUIET) as server:
        life = Life(server)
        keys_by_http(life)
        server.stop()
        server.env["GATEPOST_LOG_FORMAT"] = "json"
        server.start()
        keys_by_command(life)
        for secret in life.secrets:
            use_rightly_and_wrongly(life, secret)
            misplace(life, secret)
        speak_nonsense(life, life.full)
        provoke_faults(life)
        for path in PAGES:
            life.note("GET", path, None)
        for path in LISTS:
            life.note("GET", path, life.full)
        yield life
        life.close()


def test_the_run_was_a_full_one(life: Life) -> None:
    assert len(set(life.secrets)) == 1 + 2 * len(FORMATS) + 1 + 1 + len(FORMATS) + 1 + 1
    assert life.statuses >= {200, 201, 400, 401, 404, 405, 409, 500}


def test_no_file_in_the_data_folder_holds_a_secret(life: Life) -> None:
    files = [path for path in life.server.data.rglob("*") if path.is_file()]
    assert {"gatepost.db", "gatepost.db-wal", "pepper.key"} <= {path.name for path in files}
    holding = [
        (path.name, found) for path in files if (found := found_in(path.read_bytes(), life.secrets))
    ]
    assert not holding


def test_no_log_holds_a_secret(life: Life) -> None:
    errors, outputs = (sorted(life.server.logs.glob(f"*.{end}")) for end in ("err", "out"))
    logged = b"".join(path.read_bytes() for path in errors)
    # The first line is the one place a first run shows its key in.
    banner, _, after = outputs[0].read_bytes().partition(b"\n")
    assert json.loads(banner)["key"] == life.full
    printed = after + b"".join(path.read_bytes() for path in outputs[1:])
    assert b"no such table" in logged
    assert not found_in(logged + printed, life.secrets)


def test_no_other_reply_holds_a_secret(life: Life) -> None:
    holding = [
        (what, found)
        for what, text in life.replies
        if (found := found_in(text.encode(), life.secrets))
    ]
    assert not holding


def test_the_search_finds_what_it_looks_for(life: Life) -> None:
    secret = life.secrets[3]
    kept = f"a start is kept: {secret[:12]}".encode()
    assert not found_in(kept, [secret])
    for part in needles(secret):
        assert found_in(kept + b"\0" + part, [secret]) == [secret]
