"""What the document promises, tried on the running service with data made from the document."""

import json
import os
from collections.abc import Callable, Iterator
from copy import deepcopy
from itertools import count
from typing import Any

import httpx2
import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis import GenerationMode
from schemathesis.config import SchemathesisConfig
from schemathesis.generation.feedback import FeedbackSources
from schemathesis.generation.meta import TestPhase
from schemathesis.pytest._test_builder import build_operation_test
from schemathesis.python._constants.orchestrator import make_constants_value_source
from schemathesis.specs.openapi.checks import (
    negative_data_rejection,
    positive_data_acceptance,
    unsupported_method,
)

from gatepost import __version__
from gatepost.dialects import DIALECTS
from gatepost.web import openapi
from tests import plain
from tests.backends import on_sqlite
from tests.server import Server, Tenant

EXAMPLES = 8 if on_sqlite() else 3
"""Of each operation; on a further pair what matters is what reaches the database."""
AT_BOUNDS = 150
"""So many cases at the bounds of an operation are tried, and of further ones each tenth: those of
rules are two thousand. With TEST_THOROUGH=1 all are.
"""
ALL = os.environ.get("TEST_THOROUGH") == "1"
DOCUMENTS = {one.name: openapi.build([one], __version__, "/") for one in DIALECTS}
DOCUMENT = DOCUMENTS["native"]
# U+0000 is refused in any text (test_hostile.py), which no schema can say.
CONFIG = {"generation": {"max-examples": EXAMPLES, "allow-x00": False}}
THOROUGH = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)


def operations_of(document: Any, *left_out: str) -> list[Any]:
    """A parameter for each operation."""
    config = SchemathesisConfig.from_dict(CONFIG)
    schema: Any = schemathesis.openapi.from_dict(deepcopy(document), config=config)
    found = [result.ok() for result in schema.get_all_operations()]
    return [
        pytest.param(operation, id=operation.label)
        for operation in found
        if operation.definition.raw["operationId"] not in left_out
    ]


def try_out(operation: Any, check: Callable[[Any], None]) -> None:
    """Check the cases of an operation: the examples, those at the bounds, and random ones.

    It is what `schema.parametrize()` does, but there every test process makes the cases of all
    operations before it begins, which takes longer than to try them.
    """
    places = count()

    def try_some(case: Any) -> None:
        at_bounds = case.meta.phase.name is TestPhase.COVERAGE
        place = next(places) if at_bounds and not ALL else 0
        if place < AT_BOUNDS or place % 10 == 0:
            check(case)

    build_operation_test(
        config=operation.schema.config,
        operation=operation,
        test_func=try_some,
        given_kwargs={},
        feedback=FeedbackSources(
            constants_value_source=make_constants_value_source(operation.schema)
        ),
        explicit_settings=THOROUGH,
    )()


UNSAYABLE = {
    # What a list has handed out, a moment, the name of a place, something with a word in it.
    "query": {"cursor", "before", "since", "q", "from", "to", "timezone"},
    "headers": {"X-Project-ID"},  # a project that does not exist is 404 before all else
    "body": {"timestamp", "timezone"},  # at most five minutes ahead of now; a place's name
}
LENIENT = [positive_data_acceptance, negative_data_rejection]
EXCLUDED = {
    # Two members that must agree or exclude each other, addresses, moments ahead of now.
    "identifyUser": [positive_data_acceptance],
    "createKey": [positive_data_acceptance],
    "updateKey": [positive_data_acceptance],
    "createGateKey": [positive_data_acceptance],
    "updateGateKey": [positive_data_acceptance],
    # 158.0 is an integer in a schema, and a float here.
    "rotateKey": [positive_data_acceptance],
    "rotateGateKey": [positive_data_acceptance],
    "checkKey": [positive_data_acceptance],
    "checkKeys": [positive_data_acceptance],
    "putCustomerQuota": [positive_data_acceptance],
    # Not both 0, and a reason is not made of spaces alone, nor is an identifier.
    "createAdjustment": [positive_data_acceptance],
    "createCustomer": [positive_data_acceptance],
    "updateCustomer": [positive_data_acceptance],
    # Two paths that must agree, a host that is public, a scope there is, a pointer.
    "createRelay": [positive_data_acceptance],
    "updateRelay": [positive_data_acceptance],
    # Exactly one kind, to where it may go, in due time; a filter that holds something.
    "createMessage": [positive_data_acceptance],
    "replayDeliveries": [positive_data_acceptance],
    # A secret of enough bytes; a body that may be left out.
    "rotateMessageSecret": LENIENT,
    # A URL with a host that is public, names of types, headers, a secret of enough bytes.
    "createEndpoint": [positive_data_acceptance],
    "updateEndpoint": [positive_data_acceptance],
    "rotateEndpoint": [positive_data_acceptance],
    # One destination each, members that fit together, templates, paths; one way to say how long.
    "createRule": [positive_data_acceptance],
    "updateRule": [positive_data_acceptance],
    "backtestDraft": [positive_data_acceptance],
    "backtestRule": [positive_data_acceptance],
    "muteRule": [positive_data_acceptance],
    # The name of a domain; texts that are templates, and not longer than a body.
    "createSendingDomain": [positive_data_acceptance],
    "createTemplate": LENIENT,
    "updateTemplate": LENIENT,
    # What its kind needs, an address that may be reached; addresses of people.
    "createMailer": [positive_data_acceptance],
    "updateMailer": [positive_data_acceptance],
    "createSuppression": [positive_data_acceptance],
    "listMails": [positive_data_acceptance],
    # A point of a curve, a number below its order; a host that is public, a project there is.
    "replacePushKey": [positive_data_acceptance],
    "createDevice": [positive_data_acceptance],
    # An aggregator or a project, a moment ahead of now.
    "createShare": [positive_data_acceptance],
    # A CSV is not compared with anything; a range may have too many periods.
    "reportAggregator": [positive_data_acceptance],
    "getStats": [positive_data_acceptance],
    # A batch takes its good items and answers each bad one in its own place; lines are lines.
    "createEvents": LENIENT,
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
    assert plain.get(f"{busy.address}/v1/ping", headers=headers).status_code == 200


# The key that asks must outlive all that is tried with it.
@pytest.mark.parametrize("operation", operations_of(DOCUMENTS["eventicat"], "regenerateKey"))
def test_eventicat_answers_anything_as_it_is_described(
    operation: Any, busy: Server, caller: Tenant
) -> None:
    """Any parameter is a tag, so that what fits no schema may well be taken."""
    headers = {"Authorization": f"Bearer {caller.key.secret}"}

    def check(case: Any) -> None:
        case.call_and_validate(base_url=busy.address, headers=headers, excluded_checks=LENIENT)

    try_out(operation, check)


@pytest.fixture(scope="module")
def customer(busy: Server, caller: Tenant) -> str:
    """A customer of the account, whom data requests are done for."""
    answer = plain.post(
        f"{busy.address}/latest/api/v1/customers",
        json={"identifier": "whoever asks"},
        headers={"X-API-Key": caller.key.secret},
    )
    return str(answer.json()["customer_id"])


@pytest.mark.parametrize("operation", operations_of(DOCUMENTS["emmi"]))
def test_emmi_answers_anything_as_it_is_described(
    operation: Any, busy: Server, caller: Tenant, customer: str
) -> None:
    """Its bodies may have members that are not known, and need one of four."""
    headers = {"X-API-Key": caller.key.secret, "X-Customer-ID": customer}

    def check(case: Any) -> None:
        case.call_and_validate(base_url=busy.address, headers=headers, excluded_checks=LENIENT)

    try_out(operation, check)


@pytest.mark.parametrize("operation", operations_of(DOCUMENTS["emailit"]))
def test_emailit_answers_anything_as_it_is_described(
    operation: Any, busy: Server, caller: Tenant
) -> None:
    """What is not known in a body or a query is passed over."""
    headers = {"Authorization": f"Bearer {caller.key.secret}"}

    def check(case: Any) -> None:
        case.call_and_validate(base_url=busy.address, headers=headers, excluded_checks=LENIENT)

    try_out(operation, check)


# The key that asks must outlive all that is tried with it.
@pytest.mark.parametrize("operation", operations_of(DOCUMENTS["notifykit"], "generateApiKey"))
def test_notifykit_answers_anything_as_it_is_described(
    operation: Any, busy: Server, caller: Tenant
) -> None:
    """Of a body rules are asked that no schema can say; a method that is none is 404."""
    headers = {"X-API-Key": caller.key.secret}
    excluded = [*LENIENT, unsupported_method]

    def check(case: Any) -> None:
        case.call_and_validate(base_url=busy.address, headers=headers, excluded_checks=excluded)

    try_out(operation, check)


# A stream does not end by itself; its own tests read it.
@pytest.mark.parametrize("operation", operations_of(DOCUMENT, "streamEvents"))
def test_the_service_keeps_what_the_document_promises(
    operation: Any, busy: Server, caller: Tenant
) -> None:
    headers = {"Authorization": f"Bearer {caller.key.secret}"}
    excluded = EXCLUDED.get(operation.definition.raw["operationId"])

    def check(case: Any) -> None:
        if case.meta.generation.mode is GenerationMode.POSITIVE:
            leave_out_what_no_schema_can_say(case)
        case.call_and_validate(base_url=busy.address, headers=headers, excluded_checks=excluded)

    try_out(operation, check)


def leave_out_what_no_schema_can_say(case: Any) -> None:
    for place, names in UNSAYABLE.items():
        part = getattr(case, place)
        if hasattr(part, "pop"):
            for name in names:
                part.pop(name, None)


def test_the_document_tried_here_is_the_served_one(server: Server, http: httpx2.Client) -> None:
    served = http.get(f"{server.address}/openapi.json").json()
    assert served == json.loads(json.dumps(DOCUMENT))
