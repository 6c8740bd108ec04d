"""Pages of the dashboard with a million events stored and thirteen months of counters."""

import http.client
import statistics
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from bench import contestants, rollups
from bench.client import Answer, Client
from bench.contestants import Contestant
from bench.counting import aggregator
from bench.pages import load, p95
from bench.process import InvalidRunError
from bench.report import Figure
from bench.road import Plan
from bench.rollups import DAYS, Corpus
from bench.watching import PATIENCE_S, enter
from gatepost.base import ids
from gatepost.base.clock import HOUR_MS, now_ms
from gatepost.base.ids import AggregatorId

DRAWS = 15
PAINT_MS = 200
FRAME = b'<main id="content"'
"""With this, and what stands before it, a browser has something to show."""
PEOPLE = 200


class Timed(msgspec.Struct, frozen=True):
    """One page: milliseconds until its frame has come, and until all of it has."""

    frame: float
    whole: float


def painting(plan: Plan) -> list[Figure]:
    """Fill a folder, start again on it, and ask for each page in turn."""
    folder = plan.folder / "painting"
    folder.mkdir()
    data, end = folder / "data", datetime.now(UTC)
    with contestants.gatepost(folder) as gatepost:
        shown = aggregator(gatepost)
        furnish(gatepost)
        plan.say(f"  {plan.events:,} events stored in {load(gatepost, plan.events, end):.0f} s")
        contestants.await_quiet(gatepost)
    hour = now_ms() // HOUR_MS * HOUR_MS
    filled = rollups.fill(data, AggregatorId(ids.parse("aggregator", shown)), Corpus(), hour)
    plan.say(f"  {filled.counters:,} counters")
    with contestants.serve(data, folder / "again.log") as server:
        visitor = enter(Contestant("gatepost", server, gatepost.key), data)
        account = visitor.live.split("/")[2]
        client = Client(server.port, gatepost.key)
        pages = addresses(client, shown, end)
        client.close()
        timed: dict[str, list[Timed]] = {name: [] for name in pages}
        for _ in range(DRAWS):
            for name, path in pages.items():
                found = ask(server.port, f"/dashboard/{account}/{path}", visitor.cookie)
                timed[name].append(found)
    return [figure(name, times) for name, times in timed.items()]


def furnish(gatepost: Contestant) -> None:
    """Let the project count what is stored in it, and know some people."""
    client = gatepost.client()
    (project,) = read(client.get("/v1/projects"))["projects"]
    read(client.patch(f"/v1/projects/{project['id']}", b'{"counting":true}', "counting"))
    for number in range(PEOPLE):
        person = {"user_id": f"user_{number}", "properties": {"seats": number}}
        read(client.post("/v1/identify", msgspec.json.encode(person), f"person-{number}"))
        customer = {"identifier": f"customer-{number}"}
        read(client.post("/v1/customers", msgspec.json.encode(customer), f"customer-{number}"))
    client.close()


def read(answer: Answer) -> Any:
    """What was answered; raises InvalidRunError for a refusal."""
    if answer.status not in {200, 201}:
        raise InvalidRunError(f"{answer.status} {answer.body[:300]!r}")
    return msgspec.json.decode(answer.body)["data"]


def addresses(client: Client, shown: str, end: datetime) -> Mapping[str, str]:
    """The pages, below the account's own."""
    event = read(client.get("/v1/events?limit=1"))["events"][0]["id"]
    key = read(client.get("/v1/keys?limit=1"))["keys"][0]["id"]
    first = (end - timedelta(days=DAYS - 1)).date()
    year = f"counts/{shown}?from={first}&until={end.date()}"
    return {
        "overview": "overview",
        "feed": "feed",
        "feed, a common word": "feed?q=received",
        "feed, a tag": "feed?tag=tag-90",
        "feed, channel and tag that never meet": "feed?channel=payments-main&tag=in-orders-main",
        "feed, metadata and tag that never meet": "feed?metadata.plan=free&tag=plan-team",
        "an event": f"events/{event}",
        "a person": "person?name=user_1",
        "alerts": "alerts",
        "rules": "rules",
        "deliveries": "deliveries",
        "endpoints": "endpoints",
        "counts": "counts",
        "events of the project": "counts/events",
        "events of the project, events by tags": "counts/events?view=grid",
        "13 months": year,
        "13 months, by kind of tag": f"{year}&by=prefix",
        "13 months, with two tags": f"{year}&tagAll=dimension1:001&tagAll=dimension2:002",
        "13 months, names": f"{year}&view=events",
        "13 months, tags": f"{year}&view=tags",
        "13 months, events by tags": f"{year}&view=grid",
        "keys": "keys",
        "a key": f"keys/{key}",
        "customers": "customers",
        "usage": "usage",
        "usage of 90 days": "usage?span=90",
        "gate": "gate",
        "audit log": "audit",
        "requests": "operations",
        "health": "operations/health",
    }


def ask(port: int, path: str, cookie: str) -> Timed:
    """Time one page; raises InvalidRunError where it is none."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    start = time.perf_counter()
    connection.request("GET", path, headers={"Cookie": cookie})
    response = connection.getresponse()
    got = b""
    while FRAME not in got and (piece := response.read1()):
        got += piece
    frame = (time.perf_counter() - start) * 1e3
    response.read()
    whole = (time.perf_counter() - start) * 1e3
    connection.close()
    if response.status != 200 or FRAME not in got:
        raise InvalidRunError(f"{path}: {response.status} {got[:300]!r}")
    return Timed(frame, whole)


def figure(name: str, timed: Sequence[Timed]) -> Figure:
    whole = statistics.median(one.whole for one in timed)
    frame = p95([one.frame for one in timed])
    note = f"all of it, p50 {whole:.0f} ms"
    return Figure("painting", f"{name}, p95", frame, "ms", at_most=PAINT_MS, note=note)
