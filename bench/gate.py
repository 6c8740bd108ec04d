"""Checks of other people's keys: POST /v1/gate/check beside the echo."""

from pathlib import Path
from typing import Any

import msgspec

from bench import contestants
from bench.contestants import LIMIT, Contestant
from bench.load import Load
from bench.process import InvalidRunError
from bench.report import Figure
from bench.road import Plan, in_turns, rates, ratio

CHECK = "/v1/gate/check"
AMPLE = 10**12


def gate(plan: Plan) -> list[Figure]:
    """One gate key with a scope, a limit and a hard quota, all of which are charged."""
    with contestants.echo(plan.folder) as echo, contestants.gatepost(plan.folder) as gatepost:
        bodies = [question(plan.folder, made_key(gatepost))]
        before = remaining(gatepost, bodies[0])
        bare, ours = in_turns(plan, [echo, gatepost], CHECK, bodies, keyed=False)
        (keyed,) = in_turns(plan, [gatepost], CHECK, bodies)
        check_charged(gatepost, bodies[0], before, [*ours.loads, *keyed.loads])
    return [
        Figure("gate", "POST /v1/gate/check ÷ echo", ratio(ours, bare), "x", at_least=0.40),
        Figure("gate", "POST /v1/gate/check, p99", ours.p99_ms, "ms", at_most=10),
        *rates("gate", {"echo": bare, "Gatepost": ours, "Gatepost, each with a key": keyed}),
    ]


def made_key(gatepost: Contestant) -> str:
    """The secret of a new gate key."""
    wanted = {
        "name": "bench",
        "scopes": ["estimates:*"],
        "limit": f"{LIMIT}/60s",
        "quota": {"limit": AMPLE, "period": "month"},
    }
    return str(asked(gatepost, "/v1/gate/keys", msgspec.json.encode(wanted), 201)["key"])


def question(folder: Path, secret: str) -> Path:
    path = folder / "check.json"
    wanted = {"key": secret, "scope": "estimates:write", "route": "POST /estimates", "cost": 1}
    path.write_bytes(msgspec.json.encode(wanted))
    return path


def remaining(gatepost: Contestant, body: Path) -> int:
    """What is left of the quota, without a charge."""
    wanted = msgspec.json.decode(body.read_bytes()) | {"dryRun": True}
    told = asked(gatepost, CHECK, msgspec.json.encode(wanted), 200)
    if not told["allowed"]:
        raise InvalidRunError(f"the key is refused: {told['reason']}")
    return int(told["quotas"][0]["remaining"])


def check_charged(gatepost: Contestant, body: Path, before: int, loads: list[Load]) -> None:
    """The run counts only if every check of it was charged."""
    charged, sent = before - remaining(gatepost, body), sum(load.requests for load in loads)
    if charged < sent:
        raise InvalidRunError(f"{sent} checks were allowed, {charged} charged")


def asked(gatepost: Contestant, path: str, body: bytes, status: int) -> dict[str, Any]:
    client = gatepost.client()
    answer = client.post(path, body, "")
    client.close()
    if answer.status != status:
        raise InvalidRunError(f"{path}: {answer.status} {answer.body[:300]!r}")
    return dict(msgspec.json.decode(answer.body)["data"])
