"""What a relayed request takes longer than the same call made directly."""

import statistics
from pathlib import Path

import msgspec

from bench import contestants
from bench.contestants import Contestant
from bench.process import InvalidRunError
from bench.report import Figure
from bench.road import Plan, Turns, in_turns, rates

PATH = "/estimates"
CONNECTIONS = 1
ENTITIES = 7
ENTITY = {
    "entity_info": {"identifier": "US0378331005", "name": "Apple", "asset_type": "equity"},
    "data": {"year": 2025, "revenue": 391_035_000_000},
}


def relaying(plan: Plan) -> list[Figure]:
    """The echo asked directly and through a route to it, by one client: it is the time that one
    request takes, not how many there can be.
    """
    one = msgspec.structs.replace(plan, connections=CONNECTIONS)
    with contestants.echo(plan.folder) as echo, contestants.gatepost(plan.folder) as gatepost:
        declare(plan.folder, echo)
        check(gatepost)
        bare, ours = in_turns(one, [echo, gatepost], PATH, entities(plan.folder))
    return [
        Figure("relay", "p50 added by the relay", added(ours, bare), "ms", at_most=1.5),
        *rates("relay", {"direct": bare, "relayed": ours}),
    ]


def added(ours: Turns, bare: Turns) -> float:
    """Median of the rounds' own differences."""
    pairs = zip(ours.loads, bare.loads, strict=True)
    return statistics.median(our.p50_ms - their.p50_ms for our, their in pairs)


def declare(folder: Path, echo: Contestant) -> None:
    upstream = f"http://127.0.0.1:{echo.server.port}{PATH}"
    flags = ("--units", "array", "--data", str(folder / "data"))
    contestants.run("relay", "add", "POST", PATH, upstream, *flags)


def check(gatepost: Contestant) -> None:
    """The run counts only if the echo answers through the relay, and as many units are metered."""
    client = gatepost.client()
    body = msgspec.json.encode([ENTITY] * ENTITIES)
    answer = client.post(PATH, body, "check")
    usage = client.get("/v1/usage?endpoint=POST%20/estimates")
    client.close()
    metered = msgspec.json.decode(usage.body)["data"]["totals"]["units"]
    if answer.status != 200 or answer.body != body or metered != ENTITIES:
        raise InvalidRunError(f"nothing was relayed: {answer.status} {metered} units")


def entities(folder: Path) -> list[Path]:
    path = folder / "entities.json"
    path.write_bytes(msgspec.json.encode([ENTITY] * ENTITIES))
    return [path]
