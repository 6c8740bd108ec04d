"""GET /v1/events/stream: as they come, resumed, filtered, heartbeats, slow readers, ended keys."""

import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import httpx2
import pytest

from tests.api.admin import Admin, make_admin
from tests.api.reader import PATH, Reader, Slow
from tests.dialects.native.wire import (
    Wire,
    a_person,
    an_event,
    at_once,
    data_of,
    problems_of,
    refusal_of,
)
from tests.server import Server, unique
from tests.waiting import wait_for


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with short heartbeats and little patience."""
    env = {"GATEPOST_STREAM_HEARTBEAT_S": "0.2", "GATEPOST_STREAM_STALL_S": "0.4"}
    with Server(tmp_path_factory.mktemp("quick") / "data", env=env) as running:
        yield running


@pytest.fixture(scope="module")
def admin(quick: Server, http: httpx2.Client) -> Admin:
    """An account of this file's own, with a key bound to no project."""
    return make_admin(quick, http)


@pytest.fixture
def other(quick: Server, http: httpx2.Client) -> Admin:
    """An account of the test's own."""
    return make_admin(quick, http)


@pytest.fixture(scope="module")
def wire(quick: Server, http: httpx2.Client) -> Wire:
    """A tenant of this file's own, with a key bound to its project."""
    return Wire(http, quick.address, quick.make_tenant().key.secret)


def say(wire: Wire, *titles: str, **fields: Any) -> list[dict[str, Any]]:
    return [wire.created(an_event(title=title, **fields)) for title in titles]


# As they come


def test_events_come_as_they_are_stored_in_order(wire: Wire) -> None:
    say(wire, "before")
    with Reader(wire) as reader:
        made = say(wire, "a", "b")
        data_of(wire.post("/v1/events/batch", [an_event(title="c"), an_event(title="d")]), 200)
        past = an_event(title="e", timestamp="2024-01-01T00:00:00Z")
        made.append(wire.created(past))
        reader.await_titles("a", "b", "c", "d", "e")
        assert [event for event in reader.events() if event["title"] in "abe"] == made
        ids = [frame["id"] for frame in reader.frames if "event" in frame]
        assert len(set(ids)) == 5


def test_an_event_comes_at_once(fresh: Admin) -> None:
    """Well before the next look for events of other processes, which comes once a second."""
    waits = []
    with Reader(fresh.wire) as reader:
        for number in range(9):
            say(fresh.wire, f"{number}")
            said = time.monotonic()
            wait_for(partial(reader.has, f"{number}"), "the event")
            waits.append(time.monotonic() - said)
        fresh.send("DELETE", f"/v1/projects/{fresh.project}")  # ends the reader sooner
    assert median(waits) < 0.5


def test_hundreds_of_concurrent_events_come_once_each(wire: Wire) -> None:
    channel = unique("stream")
    with Reader(wire, {"channel": channel}) as first, Reader(wire, {"channel": channel}) as second:
        at_once(8, lambda n: say(wire, *(f"{n}.{k}" for k in range(40)), channelName=channel))
        wait_for(lambda: len(first.titles()) >= 320, "all events", 20)
        wait_for(lambda: len(second.titles()) >= 320, "all events", 20)
        assert first.titles() == second.titles()
        assert len(set(first.titles())) == 320


def test_events_of_another_process_come_too(quick: Server, admin: Admin) -> None:
    with Reader(admin.wire, (), {"X-Project-ID": admin.project}) as reader:
        where = ("--account", admin.account, "--project", admin.project)
        quick.cli("send", "elsewhere", "from the command line", *where)
        reader.await_titles("from the command line")


def test_heartbeats(wire: Wire) -> None:
    with Reader(wire, {"channel": unique("quiet")}) as reader:
        wait_for(lambda: reader.comments >= 3, "three heartbeats")
        assert not reader.ended.is_set()


# Resuming


@pytest.mark.parametrize("how", ["header", "query", "both"])
def test_resuming_brings_what_was_missed_and_nothing_twice(wire: Wire, how: str) -> None:
    with Reader(wire) as reader:
        say(wire, "a", "b")
        reader.await_titles("a", "b")
        first, last = reader.id_of("a"), reader.id_of("b")
    say(wire, *(f"{number}" for number in range(5)))
    headers = {} if how == "query" else {"Last-Event-ID": last}
    query = {"query": {"lastEventId": last}, "both": {"lastEventId": first}}.get(how, {})
    with Reader(wire, query, headers) as reader:
        say(wire, "new")
        reader.await_titles("0", "1", "2", "3", "4", "new")


def test_resuming_far_behind_catches_up_in_order(wire: Wire) -> None:
    channel = unique("stream")
    with Reader(wire, {"channel": channel}) as reader:
        start = reader.frames[0]["id"]
    for part in range(3):
        batch = [an_event(channelName=channel, title=f"{part * 700 + n}") for n in range(700)]
        data_of(wire.post("/v1/events/batch", batch), 200)
        say(wire, "another")
    with Reader(wire, {"channel": channel, "lastEventId": start}) as reader:
        wait_for(lambda: len(reader.titles()) >= 2100, "all of them", 20)
        assert reader.titles() == [f"{number}" for number in range(2100)]


def test_a_quiet_stream_moves_on_too(wire: Wire) -> None:
    with Reader(wire, {"channel": unique("quiet")}) as reader:
        start = reader.frames[-1]["id"]
        say(wire, "elsewhere")
        wait_for(lambda: reader.frames[-1]["id"] != start, "a later place")
        assert reader.titles() == []
        later = reader.frames[-1]["id"]
    with Reader(wire, {"lastEventId": later}) as reader:
        say(wire, "new")
        reader.await_titles("new")


def test_an_id_from_the_future_is_now(wire: Wire) -> None:
    with Reader(wire, {"lastEventId": "_" * 11}) as reader:
        say(wire, "new")
        reader.await_titles("new")


# Filters


def test_filters(wire: Wire) -> None:
    person, mark = a_person(aliases=[unique("alias")]), unique("mark")
    wire.identified(person)
    queries: list[dict[str, str]] = [
        {"channel": mark},
        {"tag": mark},
        {"userId": person["aliases"][0]},
        {"q": f"FOUND {mark}"},
        {"metadata.deep.mark": mark},
        {"channel": mark, "tag": mark, "userId": person["user_id"], "metadata.deep.mark": mark},
    ]
    full = an_event(
        channelName=mark, title=f"all {mark} found", tags=[mark], userId=person["user_id"],
        metadata={"deep": {"mark": mark}},
    )  # fmt: skip
    readers = [Reader(wire, query).__enter__() for query in queries]
    try:
        say(wire, "nothing")
        for bare in ({"channelName": mark}, {"tags": [mark]}, {"title": f"found: {mark}"}):
            wire.created(an_event(**bare))
        last = wire.created(full)
        for reader in readers:
            wait_for(partial(reader.has, last["title"]), "the full event")
        assert [len(reader.events()) for reader in readers] == [2, 2, 1, 2, 1, 1]
    finally:
        for reader in readers:
            reader.__exit__()


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("chanel=x", "chanel"),
        ("limit=5", "limit"),
        ("since=2024-01-01T00:00:00Z", "since"),
        ("lastEventId=x", "lastEventId"),
        ("lastEventId=AAAA", "lastEventId"),
        ("q=", "q"),
    ],
)
def test_a_bad_query_is_refused(wire: Wire, query: str, name: str) -> None:
    assert problems_of(wire.get(f"{PATH}?{query}")) == [[name]]


def test_who_shares_a_project_sees_their_own_part(other: Admin) -> None:
    with Reader(other.wire, {"channel": "red"}) as red, Reader(other.wire, {"q": "two"}) as two:
        with Reader(other.wire) as all_:
            say(other.wire, "one", "two", channelName="red")
            say(other.wire, "two", channelName="blue")
            all_.await_titles("one", "two", "two")
        say(other.wire, "three", channelName="red")
        red.await_titles("one", "two", "three")
        two.await_titles("two", "two")


def test_a_reader_that_wants_few_gets_the_newest(other: Admin) -> None:
    titles = [f"{number}" for number in range(60)]
    with Reader(other.wire, {"maxPerSecond": 5}) as reader:
        batch = [an_event(title=title) for title in titles]
        data_of(other.wire.post("/v1/events/batch", batch), 200)
        wait_for(partial(reader.has, "59"), "the newest")
        shown = reader.titles()
        assert reader.said("skipped")
        assert len(shown) < 20
        assert shown == sorted(shown, key=int)
        say(other.wire, "60")
        wait_for(partial(reader.has, "60"), "what comes after")


def test_who_resumes_and_wants_few_gets_the_newest(other: Admin) -> None:
    with Reader(other.wire) as reader:
        start = reader.frames[0]["id"]
    batch = [an_event(title=f"{number}") for number in range(450)]
    data_of(other.wire.post("/v1/events/batch", batch), 200)
    with Reader(other.wire, {"maxPerSecond": 5, "lastEventId": start}) as reader:
        wait_for(lambda: reader.said("skipped"), "to be told")
        say(other.wire, "450")
        wait_for(partial(reader.has, "450"), "what comes after")
        assert len(reader.titles()) < 20


def test_a_bad_header_is_refused(wire: Wire) -> None:
    answer = wire.send("GET", PATH, headers={"Last-Event-ID": "event_1"})
    assert problems_of(answer) == [["lastEventId"]]


# The end of a stream


@pytest.mark.parametrize(
    "end",
    [
        lambda admin, key: admin.delete(key["id"]),
        lambda admin, key: admin.change(key["id"], enabled=False),
        lambda admin, key: admin.change(key["id"], scopes=["events:write"]),
        lambda admin, key: admin.rotate(key["id"]),
    ],
    ids=["deleted", "disabled", "scope", "rotated"],
)
def test_a_key_that_may_no_longer_read_ends_its_stream(
    admin: Admin, end: Callable[[Admin, dict[str, Any]], Any]
) -> None:
    key = admin.make(projectId=admin.project)
    other = admin.make(projectId=admin.project)
    with (
        Reader(admin.wire.using(key["key"])) as reader,
        Reader(admin.wire.using(other["key"])) as kept,
    ):
        end(admin, key)
        wait_for(reader.ended.is_set, "the end of the stream")
        [closed] = reader.said("closed")
        assert closed["code"] in {"unauthorized", "forbidden"}
        titles = unique("after")
        admin.wire.using(other["key"]).created(an_event(title=titles))
        wait_for(lambda: titles in kept.titles(), "the event after")
        assert titles not in reader.titles()


def test_a_key_ended_by_another_process_ends_its_stream(quick: Server, admin: Admin) -> None:
    key = admin.make(projectId=admin.project)
    with Reader(admin.wire.using(key["key"])) as reader:
        quick.cli("key", "disable", key["id"], "--account", admin.account)
        wait_for(reader.ended.is_set, "the end of the stream")


def test_a_deleted_project_ends_its_streams(fresh: Admin) -> None:
    second = fresh.make_project()["id"]
    with Reader(fresh.wire, (), {"X-Project-ID": second}) as reader:
        fresh.send("DELETE", f"/v1/projects/{second}")
        wait_for(reader.ended.is_set, "the end of the stream")


def test_a_draining_server_ends_streams_quickly(
    tmp_path_factory: pytest.TempPathFactory, http: httpx2.Client
) -> None:
    server = Server(tmp_path_factory.mktemp("drain") / "data").start()
    wire = Wire(http, server.address, server.first_run_key)
    with Reader(wire) as reader:
        assert server.stop(timeout_s=15) == 0
        wait_for(reader.ended.is_set, "the end of the stream")
    assert "Traceback" not in server.output()


def test_streams_are_counted(quick: Server, http: httpx2.Client, wire: Wire) -> None:
    def count() -> int:
        text = http.get(f"{quick.address}/metrics").text
        [line] = [one for one in text.splitlines() if one.startswith("gatepost_streams ")]
        return int(float(line.split()[1]))

    wait_for(lambda: count() == 0, "no stream")
    with Reader(wire), Reader(wire):
        assert count() == 2
    wait_for(lambda: count() == 0, "no stream")


# Slow readers


@pytest.fixture
def calm(tmp_path: Path) -> Iterator[Server]:
    """A server with enough patience for a reader that reads on after the others have finished."""
    env = {"GATEPOST_STREAM_HEARTBEAT_S": "0.2", "GATEPOST_STREAM_STALL_S": "3"}
    with Server(tmp_path / "data", env=env) as running:
        yield running


def test_a_reader_that_is_too_slow_is_told_and_dropped(calm: Server, http: httpx2.Client) -> None:
    wire = make_admin(calm, http).wire
    channel = unique("slow")
    slow = Slow(wire, channel)
    slow.read_on(b"retry: ")
    with Reader(wire, {"channel": channel}) as good:
        batch = [an_event(channelName=channel, metadata={"x": "y" * 60_000})] * 80
        for _ in range(3):
            data_of(wire.post("/v1/events/batch", batch), 200)
        wait_for(lambda: len(good.titles()) == 240, "the reader that keeps up", 30)
        assert not good.said("dropped")
    # The server has stopped reading for the slow one: the good one is gone as well.
    wait_for(lambda: _streams(wire, calm) == 0, "the slow one's end", 30)
    last = slow.read_on(b"event: dropped")
    assert b"event: dropped" in last
    assert last.count(b"event: event") < 240
    slow.socket.close()


def _streams(wire: Wire, server: Server) -> int:
    text = wire.client.get(f"{server.address}/metrics").text
    [line] = [one for one in text.splitlines() if one.startswith("gatepost_streams ")]
    return int(float(line.split()[1]))


def test_a_reader_that_never_reads_again_is_cut_off(wire: Wire, quick: Server) -> None:
    channel = unique("slow")
    slow = Slow(wire, channel)
    slow.read_on(b"retry: ")
    batch = [an_event(channelName=channel, metadata={"x": "y" * 60_000})] * 80
    for _ in range(3):
        data_of(wire.post("/v1/events/batch", batch), 200)
    wait_for(lambda: _streams(wire, quick) == 0, "the end of the stream", 10)
    assert wire.get("/v1/ping").status_code == 200
    slow.socket.close()


# Who may


def test_accounts_and_projects_do_not_meet(admin: Admin, wire: Wire) -> None:
    second = admin.make_project()["id"]
    first = {"X-Project-ID": admin.project}
    with Reader(admin.wire, (), {"X-Project-ID": second}) as reader:
        start = reader.frames[0]["id"]
        say(wire, "of another account")
        data_of(admin.wire.post("/v1/events", an_event(title="of another project"), first), 201)
        mine = an_event(title="mine")
        data_of(admin.wire.post("/v1/events", mine, {"X-Project-ID": second}), 201)
        reader.await_titles("mine")
    with Reader(wire, {"lastEventId": start}) as reader:
        say(wire, "of ours")
        wait_for(lambda: "of ours" in reader.titles(), "our event")
        assert set(reader.titles()) == {"of another account", "of ours"}
    stranger = wire.send("GET", PATH, headers={"X-Project-ID": admin.project})
    refusal_of(stranger, 404, "not_found", "Not found")


def test_no_key(wire: Wire) -> None:
    refusal_of(wire.using(None).get(PATH), 401, "unauthorized", "Unauthorized")
