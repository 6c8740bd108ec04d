"""A thousand live pages of the dashboard on one process: memory, ingest, how soon they show."""

import http.client
import re
import selectors
import socket
import statistics
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from urllib.parse import urlencode, urlsplit

import msgspec

from bench import contestants, corpus
from bench.contestants import Contestant
from bench.load import WARM_UP_S, fire
from bench.process import InvalidRunError, cpu_s, rss_mb
from bench.report import Figure
from bench.road import EVENTS, Plan, payment

PAGES = 1000
UNLIMITED = {"GATEPOST_RATE_LIMIT": "off"}  # one operator stands for as many as there are pages
MEMORY_MB = 300
SHARE_LEFT = 0.85
SHOWN_MS = 300
PROBES = 20
PROBE_S = 0.25
SECONDS_MAX = 3
ROUNDS_MAX = 2
PATIENCE_S = 30
LIVE = re.compile(r'data-live="([^"]+)"')
HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)"')


class Load(msgspec.Struct, frozen=True):
    """Requests a second, and the server's processor time for each, in milliseconds: that of all
    others does not count.
    """

    per_s: float
    cpu_ms: float


class Visitor(msgspec.Struct, frozen=True):
    """An operator's browser: the cookie of the session, and where its feed is live."""

    port: int
    cookie: str
    live: str


def enter(gatepost: Contestant, data: Path) -> Visitor:
    """Open the first operator's link, and the feed."""
    made = msgspec.json.decode(contestants.run("operator", "link", "--data", str(data), "--json"))
    path, port = urlsplit(made["link"]).path, gatepost.server.port
    _, page = ask(port, "GET", path)
    form = dict(HIDDEN.findall(page))
    form |= {"email": "bench@example.com", "name": "Bench", "password": "a long one for the bench"}
    headers, _ = ask(port, "POST", path, urlencode(form))
    cookie = headers.get("set-cookie", "").partition(";")[0]
    if not cookie:
        raise InvalidRunError("the first operator could not sign in")
    place = "/dashboard"
    while True:
        headers, page = ask(port, "GET", place, cookie=cookie)
        if "location" not in headers:
            break
        place = headers["location"]
    account = place.split("/")[2]
    _, page = ask(port, "GET", f"/dashboard/{account}/feed", cookie=cookie)
    live = LIVE.search(page)
    if live is None:
        raise InvalidRunError("the feed is not live")
    return Visitor(port, cookie, live[1].replace("&amp;", "&"))


def ask(
    port: int, method: str, path: str, body: str = "", *, cookie: str = ""
) -> tuple[dict[str, str], str]:
    """One request of a browser: headers in lower case, and the page."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    headers = {"Cookie": cookie} if cookie else {}
    if body:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    connection.request(method, path, body or None, headers)
    response = connection.getresponse()
    page = response.read().decode()
    connection.close()
    return {name.lower(): value for name, value in response.getheaders()}, page


@contextmanager
def opened(visitor: Visitor) -> Iterator[list[socket.socket]]:
    """Open the streams of all pages; yields once each has begun."""
    request = f"GET {visitor.live} HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {visitor.cookie}\r\n\r\n"
    pages: list[socket.socket] = []
    try:
        for _ in range(PAGES):
            pages.append(socket.create_connection(("127.0.0.1", visitor.port), PATIENCE_S))
            pages[-1].sendall(request.encode())
        for page in pages:
            read_until(page, b"retry: ")
        yield pages
    finally:
        for page in pages:
            page.close()


def read_until(page: socket.socket, text: bytes) -> None:
    """Read until a text has come. Raises InvalidRunError where the stream ends."""
    found = b""
    while text not in found:
        part = page.recv(65_536)
        if not part:
            raise InvalidRunError(f"a page ended: {found[:200]!r}")
        found = found[-len(text) :] + part


def shown_ms(gatepost: Contestant, pages: list[socket.socket]) -> list[float]:
    """From before an event is sent until the last page has it, in milliseconds."""
    client, times = gatepost.client(), []
    for number in range(PROBES):
        time.sleep(PROBE_S)
        title = f"probe-{number}-"
        body = msgspec.json.encode(corpus.PAYMENT | {"title": title})
        start = time.perf_counter()
        if client.post(EVENTS, body, title).status != 201:
            raise InvalidRunError("a probe was refused")
        for page in pages:
            read_until(page, title.encode())
        times.append((time.perf_counter() - start) * 1e3)
    client.close()
    return times


def drain(pages: Sequence[socket.socket], over: Event) -> None:
    """Read what pages get, so that none falls behind."""
    selector = selectors.DefaultSelector()
    for page in pages:
        page.setblocking(False)
        selector.register(page, selectors.EVENT_READ, page)
    while not over.is_set():
        for key, _ in selector.select(0.5):
            if not key.data.recv(1 << 20):
                selector.unregister(key.data)
    selector.close()


def loaded(plan: Plan, gatepost: Contestant, pages: Sequence[socket.socket]) -> Load:
    """Ingest at full load into the project that the pages show."""
    over = Event()
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(drain, pages, over)
        try:
            load = _load(plan, gatepost)
        finally:
            over.set()
        reading.result()
    contestants.await_quiet(gatepost)
    return load


def _load(plan: Plan, gatepost: Contestant) -> Load:
    bodies, pid = payment(plan.folder), gatepost.server.pid
    fire(gatepost, EVENTS, bodies, WARM_UP_S, plan.connections)
    before = cpu_s(pid)
    load = fire(gatepost, EVENTS, bodies, min(plan.seconds, SECONDS_MAX), plan.connections)
    return Load(load.per_s, (cpu_s(pid) - before) / load.requests * 1e3)


def watching(plan: Plan) -> list[Figure]:
    """Ingest in turns without pages and with them."""
    folder = plan.folder / "watching"
    folder.mkdir()
    alone: list[Load] = []
    watched: list[Load] = []
    rounds = min(plan.rounds, ROUNDS_MAX)
    data, log = folder / "data", folder / "gatepost.log"
    with contestants.role("serve", data, log, UNLIMITED) as server:
        gatepost = Contestant("gatepost", server, contestants.create_key(data))
        visitor = enter(gatepost, data)
        loaded(plan, gatepost, ())  # what grows once has grown before memory is compared
        before = rss_mb(gatepost.server.pid)
        with opened(visitor) as pages:
            whole = rss_mb(gatepost.server.pid)
            times = shown_ms(gatepost, pages)
        for turn in range(rounds):
            alone.append(loaded(plan, gatepost, ()))
            with opened(visitor) as pages:
                watched.append(loaded(plan, gatepost, pages))
                whole = max(whole, rss_mb(gatepost.server.pid))
            plan.say(
                f"  {turn + 1}/{rounds} {alone[-1].per_s:,.0f} alone, "
                f"{watched[-1].per_s:,.0f} watched"
            )
    pairs = list(zip(watched, alone, strict=True))
    kept = statistics.median(with_.per_s / without.per_s for with_, without in pairs)
    cost = statistics.median(with_.cpu_ms / without.cpu_ms for with_, without in pairs)
    note = f"{PAGES:,} pages, {PROBES} events"
    return [
        Figure("watching", "memory with pages", whole, "MB", at_most=MEMORY_MB, note=note),
        Figure("watching", "memory before them", before, "MB"),
        Figure("watching", "ingest with pages ÷ without", kept, "", at_least=SHARE_LEFT),
        Figure("watching", "processor time of a POST with pages ÷ without", cost, ""),
        Figure("watching", "on all pages after, p50", statistics.median(times), "ms", note=note),
        Figure("watching", "on all pages after, worst", max(times), "ms", at_most=SHOWN_MS),
    ]
