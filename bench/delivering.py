"""Webhooks from end to end: an event, a rule that it meets, a signed request, its log."""

import contextlib
import sqlite3
import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from bench import contestants
from bench.client import Client
from bench.contestants import Contestant
from bench.process import InvalidRunError, Server, free_port, python, serving
from bench.report import Figure
from bench.road import Plan
from gatepost.base.config import DATABASE

PART = "delivery"
NEAR = {"GATEPOST_DELIVERY_NETWORKS": "127.0.0.0/8", "GATEPOST_RATE_LIMIT": "off"}
ENDPOINTS = 100
HANGING = 10
DRAINED_PER_S = 1500
DRAINED = 12_000
BATCH = 500
PACE = DRAINED_PER_S / 2
SETTLE_S = 60


class Account(msgspec.Struct, rename="camel"):
    """What the sink tells."""

    requests: int
    last_ms: float
    waits_ms: list[float]


def delivering(plan: Plan) -> list[Figure]:
    """Drain a backlog; then a steady half of that; then beside endpoints that hang."""
    with _sink(plan.folder) as sink:
        drained = [_drained(plan, sink, turn) for turn in range(plan.rounds)]
        steady = [_steady(plan, sink, turn, hanging=0) for turn in range(plan.rounds)]
        beside = [_steady(plan, sink, turn, hanging=HANGING) for turn in range(plan.rounds)]
    p95 = statistics.median(_share(waits, 0.95) for waits in steady)
    pairs = zip(beside, steady, strict=True)
    slower = statistics.median(_share(one, 0.99) / _share(other, 0.99) for one, other in pairs)
    per_s = statistics.median(drained)
    note = f"{min(drained):,.0f} to {max(drained):,.0f} over {len(drained)} rounds"
    return [
        Figure(PART, "drained, end to end", per_s, "/s", at_least=DRAINED_PER_S, note=note),
        Figure(PART, f"accept to receipt at {PACE:.0f}/s, p95", p95, "ms", at_most=100),
        Figure(PART, "p99 beside 10 of 100 endpoints that hang", slower, "x", at_most=1.1),
        Figure(PART, "p50", statistics.median(map(statistics.median, steady)), "ms"),
        Figure(PART, "p99", statistics.median(_share(one, 0.99) for one in steady), "ms"),
    ]


def _drained(plan: Plan, sink: Server, turn: int) -> float:
    """Deliveries a second, from the first event sent to the last attempt logged."""
    with _listening(plan.folder / f"drain-{turn}", sink, "/h", 0) as ours:
        client, tally = ours.client(), Client(sink.port)
        before, began = _account(tally).requests, time.monotonic()
        for number in range(DRAINED // BATCH):
            _send(client, number, BATCH)
        _await(tally, before + DRAINED)
        _await_log(plan.folder / f"drain-{turn}" / "data" / DATABASE)
        took_s = time.monotonic() - began
    plan.say(f"  {turn + 1}/{plan.rounds} drained     {DRAINED / took_s:>10,.0f} /s")
    return DRAINED / took_s


def _steady(plan: Plan, sink: Server, turn: int, *, hanging: int) -> list[float]:
    """Milliseconds from each event's acceptance to its receipt, at a steady pace."""
    name = f"steady-{hanging}-{turn}"
    with _listening(plan.folder / name, sink, "/timed", hanging) as ours:
        client, tally = ours.client(), Client(sink.port)
        before = _account(tally).requests
        sent, healthy, began = 0, 0, time.monotonic()
        while time.monotonic() - began < plan.seconds:
            due = int((time.monotonic() - began) * PACE) - sent
            if due < 1:
                time.sleep(0.001)
                continue
            healthy += _send(client, sent, due, hanging)
            sent += due
        waits = _await(tally, before + healthy)
    p99 = _share(waits, 0.99)
    plan.say(
        f"  {turn + 1}/{plan.rounds} {hanging:>3} hang"
        f"   p50 {statistics.median(waits):.1f} ms   p99 {p99:.1f} ms"
    )
    return waits


@contextmanager
def _sink(folder: Path) -> Iterator[Server]:
    port = free_port()
    command = python("-m", "bench.sink", str(port))
    with serving(command, port, folder / "sink.log", ready_path="/account") as server:
        yield server


@contextmanager
def _listening(folder: Path, sink: Server, path: str, hanging: int) -> Iterator[Contestant]:
    """Gatepost with a hundred rules, each of which leads from a channel to an endpoint."""
    folder.mkdir()
    data = folder / "data"
    with contestants.role("serve", data, folder / "gatepost.log", NEAR) as server:
        ours = Contestant("gatepost", server, contestants.create_key(data))
        client = ours.client()
        for number in range(ENDPOINTS):
            place = "/hang" if number < hanging else path
            _listen(client, f"http://127.0.0.1:{sink.port}{place}/{number}", number)
        yield ours


def _listen(client: Client, url: str, number: int) -> None:
    """An endpoint that a rule on one channel leads to."""
    endpoint = _made(client, "/v1/endpoints", {"url": url, "types": ["nothing.else"]})
    to, match = [{"endpoint": endpoint}], {"channels": [_channel(number)]}
    _made(client, "/v1/rules", {"name": f"rule {number}", "match": match, "to": to})


def _made(client: Client, path: str, body: object) -> str:
    answer = client.post(path, msgspec.json.encode(body), f"{path} {time.time_ns()}")
    if answer.status != 201:
        raise InvalidRunError(f"not made: {answer.status} {answer.body!r}")
    made: str = msgspec.json.decode(answer.body)["data"]["id"]
    return made


def _channel(number: int) -> str:
    return f"channel-{number % ENDPOINTS}"


def _send(client: Client, first: int, size: int, hanging: int = 0) -> int:
    """Send events, one for each endpoint in turn; returns how many are for those that answer."""
    names = [_channel(first + number) for number in range(size)]
    events = [
        {"channelName": name, "title": "An order", "metadata": {"amount": 12}} for name in names
    ]
    answer = client.post(
        "/v1/events/batch", msgspec.json.encode({"events": events}), f"{time.time_ns()}"
    )
    if answer.status != 200:
        raise InvalidRunError(f"events were refused: {answer.status} {answer.body!r}")
    return sum((first + number) % ENDPOINTS >= hanging for number in range(size))


def _await(tally: Client, requests: int) -> list[float]:
    """Wait until so many have come and are logged; returns how long they took."""
    deadline, waits = time.monotonic() + SETTLE_S, []
    while time.monotonic() < deadline:
        account = _account(tally)
        waits += account.waits_ms
        if account.requests >= requests:
            return waits
        time.sleep(0.02)
    raise InvalidRunError(f"{requests - _account(tally).requests} requests never came")


def _await_log(database: Path) -> None:
    """Wait until every delivery is logged as delivered."""
    with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as file:
        deadline = time.monotonic() + SETTLE_S
        while time.monotonic() < deadline:
            query = "SELECT count(*) FROM deliveries WHERE state = 'succeeded'"
            if file.execute(query).fetchone()[0] == DRAINED:
                return
            time.sleep(0.05)
    raise InvalidRunError("not every delivery was logged")


def _account(tally: Client) -> Account:
    return msgspec.json.decode(tally.get("/account").body, type=Account)


def _share(values: Sequence[float], share: float) -> float:
    return sorted(values)[int(len(values) * share)] if values else float("inf")
