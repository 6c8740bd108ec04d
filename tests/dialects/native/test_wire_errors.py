"""Refusals: who you are, what you may, what you sent, and how each is said."""

from collections.abc import Callable, Mapping

import pytest

from tests.dialects.native.wire import (
    RATE_HEADERS,
    UUID4,
    Wire,
    a_person,
    an_event,
    problems_of,
    rate_of,
    refusal_of,
)
from tests.server import Key, Server, unique
from tests.waiting import wait_for

EVENT_FIELDS = [
    "channelName",
    "title",
    "description",
    "icon",
    "tags",
    "metadata",
    "userId",
    "notify",
    "source",
    "displayAs",
]

# 400


def test_several_problems_come_in_field_order(wire: Wire) -> None:
    """Whatever the order of the members in the body."""
    wrong = dict.fromkeys(reversed(EVENT_FIELDS), 7)
    assert problems_of(wire.create(wrong)) == [[field] for field in EVENT_FIELDS]


def test_missing_fields_of_an_event(wire: Wire) -> None:
    assert problems_of(wire.create({})) == [["channelName"], ["title"]]


def test_missing_and_wrong_fields_mix(wire: Wire) -> None:
    body = {"notify": "yes", "tags": ["fine", 7, "t" * 51], "title": ""}
    expected = [["channelName"], ["title"], ["tags", 1], ["tags", 2], ["notify"]]
    assert problems_of(wire.create(body)) == expected


def test_several_problems_of_identify(wire: Wire) -> None:
    body = {"aliases": ["", "fine", 7], "properties": [], "user_id": ""}
    expected = [["user_id"], ["properties"], ["aliases", 0], ["aliases", 2]]
    assert problems_of(wire.identify(body)) == expected


def test_identify_without_a_user(wire: Wire) -> None:
    assert problems_of(wire.identify({})) == [["user_id"]]


def test_the_fixed_text_of_an_empty_user_id(wire: Wire) -> None:
    response = wire.identify({"user_id": ""})
    problems_of(response)
    assert response.json()["details"][0]["message"] == "User ID is required"


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"   ", id="blank"),
        pytest.param(b"{", id="open"),
        pytest.param(b'{"channelName":"c","title":"t"', id="cut"),
        pytest.param(b'{"channelName":"c","title":"t"} x', id="more"),
        pytest.param(b"{'channelName':'c','title':'t'}", id="quotes"),
        pytest.param(b'{"channelName":"c","title":"t",}', id="comma"),
        pytest.param(b"channelName=c&title=t", id="form"),
        pytest.param(
            b'{"channelName":"c","title":"t","user_id":"u","metadata":{"n":NaN},'
            b'"properties":{"n":NaN}}',
            id="nan",
        ),
        pytest.param(b'{"channelName":"c","title":"\xff","user_id":"\xff"}', id="not-utf8"),
    ],
)
@pytest.mark.parametrize("path", ["/v1/events", "/v1/identify"])
def test_malformed_json(wire: Wire, path: str, content: bytes) -> None:
    assert problems_of(wire.send("POST", path, content)) == [[]]


@pytest.mark.parametrize(
    "content", [b"null", b"true", b"7", b'"text"', b"[]", b'[{"channelName":"c","title":"t"}]']
)
@pytest.mark.parametrize("path", ["/v1/events", "/v1/identify"])
def test_a_body_that_is_no_object(wire: Wire, path: str, content: bytes) -> None:
    assert problems_of(wire.send("POST", path, content)) == [[]]


def test_a_refusal_carries_the_rate_headers(wire: Wire) -> None:
    rate_of(wire.create({}))
    rate_of(wire.identify({}))


# 401


def is_unauthorized(wire: Wire, headers: Mapping[str, str], content: bytes = b"{}") -> None:
    response = wire.using(None).send("POST", "/v1/events", content, headers)
    body = refusal_of(response, 401, "unauthorized", "Unauthorized")
    assert body["message"] == "Invalid or missing authentication credentials"
    assert set(body) <= {"success", "code", "error", "message", "details", "requestId"}
    assert response.headers["WWW-Authenticate"].startswith("Bearer")
    assert [name for name in RATE_HEADERS if name in response.headers] == []


def test_no_credentials(wire: Wire) -> None:
    is_unauthorized(wire, {})


@pytest.mark.parametrize("authorization", ["{key}", "Basic {key}", "Token {key}", "Bearer", ""])
def test_credentials_in_another_form(wire: Wire, authorization: str) -> None:
    is_unauthorized(wire, {"Authorization": authorization.format(key=wire.key)})


@pytest.mark.parametrize("key", ["emitkit_abcdefghijklmnopqrstuvwx", "x", "gp_live_nobody"])
def test_an_unknown_key(wire: Wire, key: str) -> None:
    is_unauthorized(wire, {"Authorization": f"Bearer {key}"})


def test_a_key_with_one_letter_changed(wire: Wire) -> None:
    assert wire.key
    changed = wire.key[:-1] + ("A" if wire.key[-1] != "A" else "B")
    is_unauthorized(wire, {"Authorization": f"Bearer {changed}"})


@pytest.mark.parametrize("content", [b"{", b'{"channelName":7}', b""], ids=["cut", "bad", "empty"])
def test_the_key_is_judged_before_the_body(wire: Wire, content: bytes) -> None:
    is_unauthorized(wire, {"Authorization": "Bearer emitkit_nobody"}, content)


@pytest.mark.parametrize("end", ["disable", "delete"])
def test_an_ended_key(server: Server, wire: Wire, make_key: Callable[..., Key], end: str) -> None:
    key = make_key()
    ended = wire.using(key.secret)
    assert ended.create(an_event()).status_code == 201
    server.cli("key", end, key.id)
    wait_for(lambda: ended.create(an_event()).status_code == 401, f"key {end} to hold")
    is_unauthorized(wire, {"Authorization": f"Bearer {key.secret}"})


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "bEaReR"])
def test_the_scheme_is_case_insensitive(wire: Wire, scheme: str) -> None:
    headers = {"Authorization": f"{scheme} {wire.key}"}
    assert wire.using(None).post("/v1/events", an_event(), headers).status_code == 201


@pytest.mark.parametrize("key_format", ["native", "emitkit"])
def test_both_key_formats_serve(server: Server, wire: Wire, key_format: str) -> None:
    account = server.make_account()
    key = server.make_key(account, server.make_project(account), key_format=key_format)
    assert wire.using(key.secret).create(an_event()).status_code == 201


# 403, 404, 405, 413


@pytest.mark.parametrize(
    ("path", "body"), [("/v1/events", an_event()), ("/v1/identify", a_person())], ids=["e", "i"]
)
def test_a_key_without_the_scope(
    wire: Wire, make_key: Callable[..., Key], path: str, body: object
) -> None:
    reader = wire.using(make_key(scope="read").secret)
    response = reader.post(path, body)
    assert refusal_of(response, 403, "forbidden", "Forbidden")["message"]
    rate_of(response)


def test_the_scope_is_judged_before_the_body(wire: Wire, make_key: Callable[..., Key]) -> None:
    reader = wire.using(make_key(scope="read").secret)
    refusal_of(reader.send("POST", "/v1/events", b"{"), 403, "forbidden", "Forbidden")


def test_the_scope_events_writes_events_and_people_only(
    wire: Wire, make_key: Callable[..., Key]
) -> None:
    writer = wire.using(make_key(scope="events").secret)
    writer.identified(a_person())
    created = writer.created(an_event())
    refusal_of(writer.get(f"/v1/events/{created['id']}"), 403, "forbidden", "Forbidden")


def test_an_unknown_event(wire: Wire) -> None:
    response = wire.get(f"/v1/events/{unique('event')}")
    assert refusal_of(response, 404, "not_found", "Not found")["message"]


@pytest.mark.parametrize("path", ["/v1/nothing", "/v1/events/a/b/c", "/api/v1/me"])
def test_an_unknown_address(wire: Wire, path: str) -> None:
    response = wire.get(path)
    assert response.status_code == 404, response.text
    assert response.json()["code"] == "not_found"
    assert UUID4.fullmatch(response.headers["X-Request-ID"])


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "/v1/events"),
        ("DELETE", "/v1/events"),
        ("PATCH", "/v1/events"),
        ("OPTIONS", "/v1/events"),
        ("GET", "/v1/identify"),
        ("PUT", "/v1/identify"),
        ("OPTIONS", "/v1/identify"),
        ("PUT", "/api/v1/events"),
        ("GET", "/api/v1/identify"),
        ("GET", "//v1/identify"),
    ],
)
def test_a_wrong_method(wire: Wire, method: str, path: str) -> None:
    response = wire.send(method, path)
    assert response.status_code == 405, response.text
    assert "POST" in {each.strip() for each in response.headers["Allow"].split(",")}
    assert method not in response.headers["Allow"]
    assert response.headers.get("X-Request-ID")
    assert "Access-Control-Allow-Origin" not in response.headers


@pytest.mark.parametrize("path", ["/v1/events", "/v1/identify"])
def test_a_body_over_one_mebibyte(wire: Wire, path: str) -> None:
    content = b'{"channelName":"c","title":"t","user_id":"u","description":"%s"}'
    response = wire.send("POST", path, content % (b"x" * 1024 * 1024))
    body = refusal_of(response, 413, "payload_too_large", "Payload too large")
    assert body["message"] == "Request body exceeds the 1 MiB limit"


def test_the_connection_serves_on_after_every_refusal(wire: Wire) -> None:
    for content in (b"{", b"[]", b"{}", b""):
        assert wire.send("POST", "/v1/events", content).status_code == 400
        assert wire.create(an_event()).status_code == 201
