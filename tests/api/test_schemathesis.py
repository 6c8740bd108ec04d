"""What the document promises, tried on the running service with data made from the document."""

import json
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import httpx2
import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis import GenerationMode
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from gatepost import __version__
from gatepost.dialects import DIALECTS
from gatepost.web import openapi
from tests.server import Server, Tenant

EXAMPLES = 12
DOCUMENT = openapi.build(DIALECTS[:1], __version__, "/")
# A stream does not end by itself; its own tests read it.
API = schemathesis.openapi.from_dict(
    deepcopy(DOCUMENT),
    # U+0000 is refused in any text (test_hostile.py), which no schema can say.
    config=SchemathesisConfig.from_dict(
        {"generation": {"max-examples": EXAMPLES, "allow-x00": False}}
    ),
).exclude(operation_id="streamEvents")
UNSAYABLE = {
    # What a list has handed out, a moment, something with a word in it.
    "query": {"cursor", "before", "since", "q"},
    "headers": {"X-Project-ID"},  # a project that does not exist is 404 before all else
    "body": {"timestamp"},  # at most five minutes ahead of now
}
EXCLUDED = {
    # Two members that must agree or exclude each other, addresses, moments ahead of now.
    "identifyUser": [positive_data_acceptance],
    "createKey": [positive_data_acceptance],
    "updateKey": [positive_data_acceptance],
    # 158.0 is an integer in a schema, and a float here.
    "rotateKey": [positive_data_acceptance],
    # A batch takes its good items and answers each bad one in its own place; lines are lines.
    "createEvents": [positive_data_acceptance, negative_data_rejection],
}


@schemathesis.serializer("application/x-ndjson")
def lines(_context: Any, value: Any) -> bytes:
    """Any text may pass for lines."""
    return str(value).encode()


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that does not mind many wrong keys from one address."""
    env = {"GATEPOST_UNKNOWN_KEYS_PER_MINUTE": "1000000"}
    with Server(tmp_path_factory.mktemp("schemathesis") / "data", env=env) as running:
        yield running


@pytest.fixture(scope="module")
def caller(busy: Server) -> Iterator[Tenant]:
    """An account without limits, whose key must outlive all that is tried with it."""
    made = busy.make_tenant(limit="off")
    yield made
    headers = {"Authorization": f"Bearer {made.key.secret}"}
    assert httpx2.get(f"{busy.address}/v1/ping", headers=headers).status_code == 200


@API.parametrize()
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
def test_the_service_keeps_what_the_document_promises(
    case: Any, busy: Server, caller: Tenant
) -> None:
    if case.meta.generation.mode is GenerationMode.POSITIVE:
        leave_out_what_no_schema_can_say(case)
    headers = {"Authorization": f"Bearer {caller.key.secret}"}
    excluded = EXCLUDED.get(case.operation.definition.raw["operationId"])
    case.call_and_validate(base_url=busy.address, headers=headers, excluded_checks=excluded)


def leave_out_what_no_schema_can_say(case: Any) -> None:
    for place, names in UNSAYABLE.items():
        part = getattr(case, place)
        if hasattr(part, "pop"):
            for name in names:
                part.pop(name, None)


def test_the_document_tried_here_is_the_served_one(server: Server, http: httpx2.Client) -> None:
    served = http.get(f"{server.address}/openapi.json").json()
    assert served == json.loads(json.dumps(DOCUMENT))
