"""Events that are only counted: GET /api/event beside the echo."""

import msgspec

from bench import contestants
from bench.contestants import Contestant
from bench.process import InvalidRunError
from bench.report import Figure
from bench.road import Plan, in_turns, rates, ratio

AGGREGATORS = "/v1/aggregators"


def counting(plan: Plan) -> list[Figure]:
    """One aggregator, one name and one tag, as most of what is counted in any moment is."""
    with contestants.echo(plan.folder) as echo, contestants.gatepost(plan.folder) as gatepost:
        path = f"/api/event?_id={aggregator(gatepost)}&name=user_signup&env=production"
        bare, ours = in_turns(plan, [echo, gatepost], path, [])
    return [
        Figure("counting", "GET /api/event ÷ echo", ratio(ours, bare), "x", at_least=0.35),
        *rates("counting", {"echo": bare, "Gatepost": ours}),
    ]


def aggregator(gatepost: Contestant) -> str:
    """The id of a new aggregator."""
    client = gatepost.client()
    answer = client.post(AGGREGATORS, b'{"name":"bench"}', "aggregator")
    client.close()
    if answer.status != 201:
        raise InvalidRunError(f"no aggregator was made: {answer.status} {answer.body[:300]!r}")
    return str(msgspec.json.decode(answer.body)["data"]["id"])
