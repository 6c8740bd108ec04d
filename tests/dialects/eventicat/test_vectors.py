"""The conformance vectors, by their numbers, and what the published pages say besides."""

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest

from tests.dialects.eventicat.wire import OK, PATH, Sender
from tests.server import Server, unique

INVALID_KEY = b'{"error":"Invalid API key"}'
INVALID_AGGREGATOR = b'{"error":"Invalid aggregator"}'


def accepted(answer: httpx2.Response) -> None:
    assert (answer.status_code, answer.json()) == (200, OK), answer.text
    assert answer.headers["content-type"] == "application/json"


def refused(answer: httpx2.Response, status: int, body: bytes) -> None:
    assert (answer.status_code, answer.content) == (status, body)


def test_1_a_get_counts(sender: Sender) -> None:
    accepted(sender.get("&name=user_signup"))
    assert sender.counted("event") == Counter({"": 1, "user_signup": 1})
    assert sender.counted("tag") == Counter({"": 1})


def test_2_a_post_counts(sender: Sender) -> None:
    accepted(sender.post(content={"name": "user_signup"}))
    assert sender.counted("event") == Counter({"": 1, "user_signup": 1})


def test_3_a_parameter_is_a_tag(sender: Sender) -> None:
    accepted(sender.get("&name=user_signup&env=production"))
    assert sender.counted("tag") == Counter({"": 1, "env": 1})


def test_4_values_do_not_matter(sender: Sender) -> None:
    for tag in ("region=us", "region=eu", "region"):
        accepted(sender.get(f"&name=n&{tag}"))
    assert sender.counted("tag") == Counter({"": 3, "region": 3})


def test_5_a_value_may_be_in_the_tag(sender: Sender) -> None:
    accepted(sender.get("&name=n&region-us&region:eu"))
    assert sender.counted("tag") == Counter({"": 1, "region-us": 1, "region:eu": 1})


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER  "])
def test_6_a_key_may_be_in_the_header(sender: Sender, scheme: str) -> None:
    url = f"{PATH}?_id={sender.aggregator}&name=n"
    accepted(sender.send("GET", url, Authorization=f"{scheme} {sender.key.secret}"))


def test_7_a_post_may_be_empty(sender: Sender) -> None:
    url = f"{PATH}?_id={sender.aggregator}&_apikey={sender.key.secret}&name=x"
    accepted(sender.send("POST", url))
    assert sender.counted("event") == Counter({"": 1, "x": 1})


def test_8_keys_that_are_none(sender: Sender) -> None:
    there = f"{PATH}?_id={sender.aggregator}&name=n"
    wrong = "evk_" + "a" * 40
    for answer in (
        sender.send("GET", there),
        sender.send("POST", there),
        sender.get("&name=n", key=wrong),
        sender.get("&name=n", key="nonsense"),
        sender.get("&name=n", Authorization=f"Bearer {wrong}"),
    ):
        refused(answer, 401, INVALID_KEY)
        assert not any(name.startswith("x-ratelimit") for name in answer.headers)
    assert sender.counted() == Counter({"": 0})


def test_8_a_key_from_before_a_rotation(sender: Sender) -> None:
    account = ("--account", sender.tenant.account)
    accepted(sender.get("&name=n"))
    made = sender.server.cli("key", "rotate", sender.key.id, *account)
    refused(sender.get("&name=n"), 401, INVALID_KEY)
    accepted(sender.get("&name=n", key=str(made["key"])))


def test_another_kind_of_authorization_is_not_meant_for_us(sender: Sender) -> None:
    accepted(sender.get("&name=n", Authorization="Basic dXNlcjpwYXNz"))


def test_9_aggregators_that_are_none(sender: Sender, stranger: Sender) -> None:
    key = f"_apikey={sender.key.secret}&name=n"
    nowhere = "aggregator_" + "0" * 32
    archived = sender.make_aggregator()
    patched = sender.http.patch(
        f"{sender.server.address}/v1/aggregators/{archived}",
        json={"archived": True},
        headers={"Authorization": f"Bearer {sender.key.secret}"},
    )
    assert patched.status_code == 200
    for query in (
        f"_id={nowhere}&{key}",
        f"_id={stranger.aggregator}&{key}",
        f"_id={archived}&{key}",
        key,
        f"_id=&{key}",
        f"_id=x%00y&{key}",
        f"_id={'x' * 128}&{key}",
    ):
        refused(sender.send("GET", f"{PATH}?{query}"), 404, INVALID_AGGREGATOR)
    assert stranger.counted() == Counter({"": 0})


def test_10_the_key_is_looked_at_first(sender: Sender) -> None:
    refused(sender.send("GET", f"{PATH}?_id=nowhere&_apikey=nobody"), 401, INVALID_KEY)


def test_11_over_the_limit(server: Server, http: httpx2.Client, sender: Sender) -> None:
    hasty = Sender(server, http, sender.tenant, limit="3/60s")
    for remaining in ("2", "1", "0"):
        answer = hasty.get("&name=n")
        accepted(answer)
        assert answer.headers["x-ratelimit-limit"] == "3"
        assert answer.headers["x-ratelimit-remaining"] == remaining
    over = hasty.get("&name=n")
    assert over.status_code == 429
    body = over.json()
    assert list(body) == ["error", "limit", "remaining", "resetTime"]
    assert body["error"] == "Rate limit exceeded"
    assert (body["limit"], body["remaining"]) == (3, 0)
    assert body["resetTime"] > time.time()
    assert over.headers["x-ratelimit-reset"] == str(body["resetTime"])
    assert over.headers["x-ratelimit-remaining"] == "0"
    assert 1 <= int(over.headers["retry-after"]) <= 60
    hasty.key = sender.key
    assert hasty.counted() == Counter({"": 3})


def test_12_the_headers_of_a_limit_are_on_every_answer_but_401(sender: Sender) -> None:
    for answer in (sender.get("&name=n"), sender.get(""), sender.get("&_id=x&name=n")):
        assert {"x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"} <= set(
            answer.headers
        )


def test_13_members_of_a_body_are_tags(sender: Sender) -> None:
    accepted(sender.post(content={"name": "n", "plan": {"a": 1}, "n2": None, "tags": ["a", "b"]}))
    assert sender.counted("tag") == Counter({"": 1, "plan": 1, "n2": 1, "tags": 1})


@pytest.mark.parametrize("name", ["two words", "🦄 unicorn", "x" * 1000, " padded ", "Ünïcode"])
def test_14_a_name_is_kept_as_it_is(sender: Sender, name: str) -> None:
    accepted(sender.post(content={"name": name}))
    assert sender.counted("event") == Counter({"": 1, name: 1})


def test_15_three_names_are_reserved_and_no_others(sender: Sender) -> None:
    accepted(sender.get("&name=n&_foo=1&timestamp=2&tags"))
    assert sender.counted("tag") == Counter({"": 1, "_foo": 1, "timestamp": 1, "tags": 1})


def test_16_a_url_that_is_too_long(sender: Sender) -> None:
    refused(sender.get("&name=" + "x" * 9000), 414, b'{"error":"URI too long"}')


# Names


@pytest.mark.parametrize("query", ["", "&name=", "&name", "&name=&name="])
def test_a_name_is_needed(sender: Sender, query: str) -> None:
    refused(sender.get(query), 400, b'{"error":"Missing event name"}')
    assert sender.counted() == Counter({"": 0})


def test_the_aggregator_is_looked_at_before_the_name(sender: Sender) -> None:
    url = f"{PATH}?_id=nowhere&_apikey={sender.key.secret}"
    refused(sender.send("GET", url), 404, INVALID_AGGREGATOR)


def test_a_number_is_a_name(sender: Sender) -> None:
    for number in (b"17", b"1.50"):
        accepted(sender.post(content=b'{"name":%b}' % number))
    assert sender.counted("event") == Counter({"": 2, "17": 1, "1.50": 1})


@pytest.mark.parametrize("name", [b"true", b"null", b"{}", b"[]", b'"a\\u0000b"'])
def test_what_is_no_name(sender: Sender, name: bytes) -> None:
    refused(sender.post(content=b'{"name":%b}' % name), 400, b'{"error":"Invalid event name"}')


def test_the_body_names_before_the_query_and_the_first_that_is_not_empty(sender: Sender) -> None:
    accepted(sender.post("&name=query", {"name": "body"}))
    accepted(sender.post("&name=&name=second&name=third", b""))
    assert sender.counted("event") == Counter({"": 2, "body": 1, "second": 1})


# Bodies


@pytest.mark.parametrize("body", [b"{", b"[1]", b'"n"', b"17", b"\xff", b"[" * 50_000])
def test_a_body_that_is_no_object(sender: Sender, body: bytes) -> None:
    refused(sender.post("&name=n", body), 400, b'{"error":"Invalid JSON body"}')


@pytest.mark.parametrize(
    "kind", ["", "text/plain;charset=UTF-8", "application/json; charset=utf-8"]
)
def test_kinds_that_are_read_as_json(sender: Sender, kind: str) -> None:
    headers = {"Content_Type": kind} if kind else {}
    accepted(sender.post(content=b'{"name":"n","a":1}', **headers))
    assert sender.counted("tag") == Counter({"": 1, "a": 1})


def test_a_form_is_read_like_a_query(sender: Sender) -> None:
    form = "application/x-www-form-urlencoded"
    accepted(sender.post(content=b"name=two+words&region-us&a=b%20c", Content_Type=form))
    assert sender.counted("event") == Counter({"": 1, "two words": 1})
    assert sender.counted("tag") == Counter({"": 1, "region-us": 1, "a": 1})


def test_other_kinds_are_refused(sender: Sender) -> None:
    answer = sender.post("&name=n", b"<name/>", Content_Type="application/xml")
    refused(answer, 415, b'{"error":"Unsupported content type"}')


def test_a_body_that_is_too_large(sender: Sender) -> None:
    answer = sender.post("&name=n", b'{"a":"' + b"x" * 65_536 + b'"}')
    refused(answer, 413, b'{"error":"Payload too large"}')


# Tags


def test_how_tags_are_read(sender: Sender) -> None:
    accepted(sender.get("&name=n&a&a=2&=x&A&b;c&d%20e&f+g&%C3%BC&%FF"))
    tags = ["a", "A", "b;c", "d e", "f g", "ü", "�"]
    assert sender.counted("tag") == Counter({"": 1} | dict.fromkeys(tags, 1))


def test_tags_of_query_and_body_are_one_set(sender: Sender) -> None:
    accepted(sender.post("&q&both", {"name": "n", "b": 1, "both": 1}))
    assert sender.counted("tag") == Counter({"": 1, "q": 1, "b": 1, "both": 1})


def test_sixty_four_tags_are_kept_in_order_of_appearance(sender: Sender) -> None:
    accepted(sender.get("&name=n" + "".join(f"&t{number}" for number in range(70))))
    kept = {f"t{number}": 1 for number in range(64)}
    assert sender.counted("tag") == Counter({"": 1} | kept)


# Methods, browsers, caches


def test_other_methods(sender: Sender) -> None:
    for method in ("PUT", "DELETE", "PATCH"):
        answer = sender.send(method, PATH)
        refused(answer, 405, b'{"error":"Method not allowed"}')
        assert answer.headers["allow"] == "GET, POST, OPTIONS"
    head = sender.send("HEAD", f"{PATH}?_id={sender.aggregator}&_apikey={sender.key.secret}&name=n")
    assert head.status_code == 405
    assert sender.counted() == Counter({"": 0})


def test_a_browser_may_ask_first(sender: Sender) -> None:
    answer = sender.send("OPTIONS", PATH)
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["access-control-allow-methods"] == "GET, POST, OPTIONS"
    allowed = "Authorization, Content-Type, Idempotency-Key"
    assert answer.headers["access-control-allow-headers"] == allowed
    assert answer.headers["access-control-max-age"] == "86400"


def test_no_answer_is_kept_and_every_origin_may_read_it(sender: Sender) -> None:
    for answer in (
        sender.get("&name=n"),
        sender.get(""),
        sender.get(key="x"),
        sender.send("PUT", PATH),
    ):
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["access-control-allow-origin"] == "*"


def test_a_slash_at_the_end_changes_nothing(sender: Sender) -> None:
    there = f"{PATH}/?_id={sender.aggregator}&_apikey={sender.key.secret}&name=n"
    accepted(sender.send("GET", there))
    accepted(sender.send("POST", there))
    assert sender.counted() == Counter({"": 2})


# Repeats


def test_a_repeat_is_counted_once(sender: Sender) -> None:
    turn = unique("turn")
    first = sender.get("&name=n", Idempotency_Key=turn)
    again = sender.get("&name=n", Idempotency_Key=turn)
    accepted(first)
    accepted(again)
    assert "x-idempotent-replay" not in first.headers
    assert again.headers["x-idempotent-replay"] == "true"
    assert sender.counted() == Counter({"": 1})


def test_a_repeat_elsewhere_is_none(sender: Sender) -> None:
    turn = unique("turn")
    accepted(sender.get("&name=n", Idempotency_Key=turn))
    sender.aggregator = sender.make_aggregator()
    elsewhere = sender.get("&name=n", Idempotency_Key=turn)
    accepted(elsewhere)
    assert "x-idempotent-replay" not in elsewhere.headers
    assert sender.counted() == Counter({"": 1})


def test_nothing_is_lost_among_many(sender: Sender) -> None:
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda n: sender.get(f"&name=n{n % 5}&t{n % 3}"), range(200)))
    assert {answer.status_code for answer in answers} == {200}
    names = {f"n{number}": 40 for number in range(5)}
    assert sender.counted("event") == Counter({"": 200} | names)
    assert sender.counted("tag") == Counter({"": 200, "t0": 67, "t1": 67, "t2": 66})


def test_beyond_two_thousand_tags_is_other(sender: Sender) -> None:
    for start in range(0, 2048, 64):
        body = {f"t{number}": 1 for number in range(start, start + 64)}
        accepted(sender.post(content={"name": "n"} | body))
    accepted(sender.post(content={"name": "n", "new one": 1, "t0": 1}))
    found = sender.counted("tag")
    assert len(found) == 2000 + 2
    assert found["(other)"] == 2
    assert found["new one"] == 0
    assert found["t0"] == 2
