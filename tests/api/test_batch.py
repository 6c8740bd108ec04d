"""POST /v1/events/batch: forms, results, limits, duplicates, quotas, retries."""

import gzip
import json
import zlib
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
import zstandard

from tests.api.admin import Admin, make_admin
from tests.dialects.native.wire import (
    REPLAY,
    Wire,
    an_event,
    at_once,
    data_of,
    problems_of,
    refusal_of,
)
from tests.server import Server, unique

PATH = "/v1/events/batch"
NDJSON = {"Content-Type": "application/x-ndjson"}


@pytest.fixture(scope="module")
def wire(server: Server, http: httpx2.Client) -> Wire:
    """A tenant of this file's own, with a key bound to its project."""
    return Wire(http, server.address, server.make_tenant().key.secret)


def post(wire: Wire, items: Any, once: str | None = None) -> httpx2.Response:
    return wire.post(PATH, items, {} if once is None else {"Idempotency-Key": once})


def results_of(response: httpx2.Response) -> list[dict[str, Any]]:
    """The results, their counts checked."""
    data = data_of(response, 200)
    results = list(data["results"])
    for status, count in (
        ("accepted", data["accepted"]),
        ("duplicate", data["duplicates"]),
        ("rejected", data["rejected"]),
    ):
        assert sum(one["status"] == status for one in results) == count
    assert data["accepted"] + data["duplicates"] + data["rejected"] == len(results)
    return results


def statuses(response: httpx2.Response) -> list[str]:
    return [one["status"] for one in results_of(response)]


def stored(wire: Wire, channel: str) -> list[str]:
    """Titles of a channel's events, newest first."""
    return [event["title"] for event in wire.events_in(channel)]


def lines(*items: Any) -> bytes:
    return b"".join(json.dumps(item).encode() + b"\n" for item in items)


# Forms


def test_results_come_in_order_and_good_events_are_stored(wire: Wire) -> None:
    channel = unique("batch")
    good = [an_event(channelName=channel, title=f"t{n}", metadata={"n": n}) for n in range(3)]
    late = (datetime.now(UTC) + timedelta(minutes=6)).isoformat()
    batch = [
        good[0],
        {"channelName": channel},
        7,
        good[1],
        {**good[0], "tags": ["x" * 51], "title": ""},
        {**good[0], "timestamp": late},
        None,
        {**good[0], "channelName": "!!"},
        good[2],
    ]
    results = results_of(post(wire, batch))
    assert [one["status"] for one in results] == [
        "accepted", "rejected", "rejected", "accepted", "rejected", "rejected", "rejected",
        "rejected", "accepted",
    ]  # fmt: skip
    paths = [[error["path"] for error in one.get("errors", [])] for one in results]
    assert paths == [
        [], [["title"]], [[]], [], [["title"], ["tags", 0]], [["timestamp"]], [[]],
        [["channelName"]], [],
    ]  # fmt: skip
    assert all(error["message"] for one in results for error in one.get("errors", []))
    kept = [wire.event(one["id"]) for one in results if one["status"] == "accepted"]
    assert [event["title"] for event in kept] == ["t0", "t1", "t2"]
    assert [event["metadata"] for event in kept] == [{"n": 0}, {"n": 1}, {"n": 2}]
    assert stored(wire, channel) == ["t2", "t1", "t0"]


@pytest.mark.parametrize("form", ["array", "object", "lines", "seen-lines", "blank-lines"])
def test_forms(wire: Wire, form: str) -> None:
    channel = unique("batch")
    items = [an_event(channelName=channel, title=title) for title in ("a", "b")]
    blank = b"\r\n  \n" + b"\n\n".join(json.dumps(item).encode() for item in items) + b"\r\n\n"
    content, headers = {
        "array": (b" \n" + json.dumps(items, indent=2).encode(), {}),
        "object": (json.dumps({"more": 1, "events": items}, indent=2).encode(), {}),
        "lines": (lines(*items), NDJSON),
        "seen-lines": (lines(*items), {}),
        "blank-lines": (blank, {"Content-Type": "application/x-ndjson; charset=utf-8"}),
    }[form]
    assert statuses(wire.send("POST", PATH, content, headers)) == ["accepted"] * 2
    assert stored(wire, channel) == ["b", "a"]


def test_a_single_line_is_ndjson_when_it_says_so(wire: Wire) -> None:
    one = json.dumps(an_event()).encode()
    assert statuses(wire.send("POST", PATH, one, NDJSON)) == ["accepted"]
    assert problems_of(wire.send("POST", PATH, one)) == [["events"]]


@pytest.mark.parametrize("headers", [NDJSON, {}])
def test_a_broken_line_is_rejected_alone(wire: Wire, headers: dict[str, str]) -> None:
    good = lines(an_event())
    content = good + b'{"channelName":"c",\n' + b"\xff\xfe\n" + b"[1]\n" + good
    found = statuses(wire.send("POST", PATH, content, headers))
    assert found == ["accepted", "rejected", "rejected", "rejected", "accepted"]


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [
        ("gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("zstd", zstandard.ZstdCompressor().compress),
        ("zstd", lambda body: zstandard.ZstdCompressor(write_content_size=False).compress(body)),
    ],
)
def test_compressed(wire: Wire, encoding: str, pack: Any) -> None:
    content = pack(json.dumps([an_event()] * 50).encode())
    response = wire.send("POST", PATH, content, {"Content-Encoding": encoding})
    assert statuses(response) == ["accepted"] * 50


@pytest.mark.parametrize(
    ("content", "path"),
    [
        (b"", []),
        (b"[", []),
        (b"[1,]", []),
        (b'[{"a":"\\ud800"}]', []),
        (b'"text"', []),
        (b"{}", ["events"]),
        (b'{"events":7}', ["events"]),
        (b"[]", ["events"]),
        (b'{"events":[]}', ["events"]),
        (b"[" * 100_000, []),
    ],
)
def test_no_batch_at_all(wire: Wire, content: bytes, path: list[str]) -> None:
    assert problems_of(wire.send("POST", PATH, content)) == [path]


# Hostile


HOSTILE = [
    '{"channelName":"c","title":"t\\u0000"}',
    '{"channelName":"c","title":"t","metadata":{"n":1e999}}',
    '{"channelName":"c","title":"t","metadata":{"a\\u0000":1}}',
    '{"channelName":"c","title":"t","timestamp":"1969-01-01T00:00:00Z"}',
    '{"channelName":"c","title":"t","timestamp":"9999-12-31T23:59:60Z"}',
]
DEEP = '{"channelName":"c","title":"t","metadata":' + '{"a":' * 20_000 + "1" + "}" * 20_001


def test_hostile_items_are_rejected_alone(wire: Wire) -> None:
    good = json.dumps(an_event())
    response = wire.send("POST", PATH, f"[{','.join([good, *HOSTILE, good])}]".encode())
    assert statuses(response) == ["accepted", *["rejected"] * len(HOSTILE), "accepted"]


def test_hostile_lines_are_rejected_alone(wire: Wire) -> None:
    good = json.dumps(an_event())
    response = wire.send("POST", PATH, "\n".join([good, *HOSTILE, DEEP, good]).encode())
    assert statuses(response) == ["accepted", *["rejected"] * (len(HOSTILE) + 1), "accepted"]


def test_an_array_too_deep_to_be_cut_into_items_is_no_batch(wire: Wire) -> None:
    assert problems_of(wire.send("POST", PATH, f"[{DEEP}]".encode())) == [[]]


# Limits


def test_a_thousand_events_and_no_more(wire: Wire) -> None:
    channel = unique("batch")
    one = an_event(channelName=channel)
    assert statuses(post(wire, [one] * 1000)) == ["accepted"] * 1000
    for form in ([one] * 1001, {"events": [one] * 1001}, [7] * 1001):
        assert problems_of(post(wire, form)) == [["events"]]
    response = wire.send("POST", PATH, lines(*[one] * 1001), NDJSON)
    assert problems_of(response) == [["events"]]
    found, query = 0, f"/v1/events?channel={channel}&limit=100"
    page = data_of(wire.get(query), 200)
    while page["events"]:
        found += len(page["events"])
        if page["nextCursor"] is None:
            break
        page = data_of(wire.get(f"{query}&cursor={page['nextCursor']}"), 200)
    assert found == 1000


def test_five_mebibytes_and_no_more(wire: Wire) -> None:
    filler = [an_event(description="x" * 4900) for _ in range(1000)]
    content = json.dumps(filler).encode()
    padding = b" " * (5 * 1024 * 1024 - len(content))
    assert statuses(wire.send("POST", PATH, content + padding)) == ["accepted"] * 1000
    refusal_of(
        wire.send("POST", PATH, content + padding + b" "),
        413, "payload_too_large", "Payload too large",
    )  # fmt: skip
    bomb = gzip.compress(b" " * (6 * 1024 * 1024))
    refusal_of(
        wire.send("POST", PATH, bomb, {"Content-Encoding": "gzip"}),
        413, "payload_too_large", "Payload too large",
    )  # fmt: skip


def test_one_event_over_its_own_limit_is_rejected_alone(wire: Wire) -> None:
    big = an_event(metadata={"x": "y" * 66_000})
    found = results_of(post(wire, [an_event(), big, an_event()]))
    assert [one["status"] for one in found] == ["accepted", "rejected", "accepted"]
    assert "64 KB" in found[1]["errors"][0]["message"]


# Duplicates and retries


def test_an_event_id_counts_once(wire: Wire) -> None:
    channel, mark = unique("batch"), unique("mark")
    one = an_event(channelName=channel, eventId=mark)
    first, second, other = results_of(post(wire, [one, one, an_event(channelName=channel)]))
    assert [first["status"], second["status"], other["status"]] == [
        "accepted", "duplicate", "accepted",
    ]  # fmt: skip
    assert first["id"] == second["id"]
    [again] = results_of(post(wire, [one]))
    assert again == {"status": "duplicate", "id": first["id"]}
    single = wire.create(one)
    assert data_of(single, 200)["id"] == first["id"]
    assert len(stored(wire, channel)) == 2


def test_concurrent_batches_with_the_same_event_ids_store_each_once(wire: Wire) -> None:
    channel = unique("batch")
    batch = [an_event(channelName=channel, eventId=unique("mark")) for _ in range(20)]
    found = [results_of(one) for one in at_once(16, lambda _: post(wire, batch))]
    for column in zip(*found, strict=True):
        assert sorted(one["status"] for one in column) == ["accepted"] + ["duplicate"] * 15
        assert len({one["id"] for one in column}) == 1
    assert len(stored(wire, channel)) == 20


def test_a_retry_is_answered_with_the_first_reply(wire: Wire) -> None:
    channel, key = unique("batch"), unique("once")
    batch = [an_event(channelName=channel), {"title": "bad"}]
    replies = at_once(12, lambda _: post(wire, batch, key))
    assert len({reply.content for reply in replies}) == 1
    assert sum(REPLAY in reply.headers for reply in replies) == 11
    assert len(stored(wire, channel)) == 1
    refusal_of(
        post(wire, [an_event(channelName=channel)], key),
        409, "idempotency_conflict", "Idempotency conflict",
    )  # fmt: skip


def test_a_batch_is_the_same_as_lines_or_as_an_array(wire: Wire) -> None:
    key, one = unique("once"), an_event()
    first = post(wire, [one], key)
    again = wire.send("POST", PATH, lines(one), {"Idempotency-Key": key, **NDJSON})
    assert again.content == first.content


# Quotas, scopes, accounts


def test_a_quota_is_charged_for_new_events_alone(roomy: Server, http: httpx2.Client) -> None:
    plan = unique("plan")
    roomy.cli("plan", "set", plan, "--quota", "events=4:event:month")
    admin = make_admin(roomy, http, plan=plan)
    one, bad = an_event(eventId=unique("mark")), {"title": "bad"}
    assert statuses(post(admin.wire, [one, one, bad])) == ["accepted", "duplicate", "rejected"]
    assert _used(admin) == 1
    assert statuses(post(admin.wire, [one, bad])) == ["duplicate", "rejected"]
    assert statuses(post(admin.wire, [bad])) == ["rejected"]
    assert _used(admin) == 1
    refusal_of(post(admin.wire, [an_event()] * 4), 429, "quota_exceeded", "Quota exceeded")
    assert statuses(post(admin.wire, [an_event()] * 3)) == ["accepted"] * 3
    assert _used(admin) == 4


def _used(admin: Admin) -> int:
    [quota] = admin.get("/v1/keys/current")["quotas"]
    return int(quota["used"])


@pytest.mark.parametrize("scope", ["read", "sending"])
def test_scope(owner: Admin, scope: str) -> None:
    secret = owner.make(scopes=[scope])["key"]
    refusal_of(post(owner.wire.using(secret), [an_event()]), 403, "forbidden", "Forbidden")


def test_accounts_do_not_meet(fresh: Admin, stranger: Admin) -> None:
    channel, mark = unique("batch"), unique("mark")
    one = an_event(channelName=channel, eventId=mark)
    [here] = results_of(post(fresh.wire, [one]))
    [there] = results_of(post(stranger.wire, [one]))
    assert (here["status"], there["status"]) == ("accepted", "accepted")
    assert here["id"] != there["id"]
    assert stranger.wire.get(f"/v1/events/{here['id']}").status_code == 404
