"""Filters of GET /v1/events: each alone, together, and the moment after an event is stored."""

from typing import Any
from urllib.parse import urlencode

import httpx2
import pytest

from tests.dialects.native.wire import Wire, a_person, an_event, at_once, data_of
from tests.server import Server, unique
from tests.waiting import wait_for

PATH = "/v1/events"


@pytest.fixture(scope="module")
def wire(server: Server, http: httpx2.Client) -> Wire:
    """A tenant of this file's own, with a key bound to its project."""
    return Wire(http, server.address, server.make_tenant().key.secret)


def found(wire: Wire, *pairs: tuple[str, str]) -> set[str]:
    data = data_of(wire.get(f"{PATH}?{urlencode([*pairs, ('limit', '100')])}"), 200)
    return {event["id"] for event in data["events"]}


def make(wire: Wire, **fields: Any) -> str:
    return str(wire.created(an_event(**fields))["id"])


def await_index(server: Server) -> None:
    """Wait until the index has reached all that is stored now."""
    (last,) = server.query("SELECT max(seq) FROM events")[0]
    wait_for(
        lambda: server.query("SELECT coalesce(max(seq), 0) FROM event_index")[0][0] >= last,
        "the search index",
    )


@pytest.mark.parametrize("indexed", [False, True])
def test_every_filter_alone_and_together(wire: Wire, server: Server, indexed: bool) -> None:
    channel, mark = unique("search"), unique("mark")
    both = make(
        wire, channelName=channel, tags=[mark, "b"], title=f"Größe {mark.upper()}", userId=mark,
        metadata={"plan": mark, "user": {"age": 42, "ok": True, "gone": None}, "list": [1, "x"]},
    )  # fmt: skip
    other = make(wire, channelName=channel, tags=[mark], description=f"also {mark}, of another")
    if indexed:
        await_index(server)
    assert found(wire, ("channel", channel)) == {both, other}
    assert found(wire, ("channel", channel.upper())) == {both, other}
    assert found(wire, ("tag", mark)) == {both, other}
    assert found(wire, ("tag", mark), ("tag", "b")) == {both}
    assert found(wire, ("tag", mark.upper())) == set()
    assert found(wire, ("userId", mark)) == {both}
    assert found(wire, ("q", mark)) == {both, other}
    for spelling in ("GRÖßE", "größe", "GROSSE", "gro\u0308sse"):
        assert found(wire, ("q", f"{spelling} {mark}")) == {both}
    assert found(wire, ("q", f"grösste {mark}")) == set()
    assert found(wire, ("q", f"another ALSO {mark}")) == {other}
    assert found(wire, ("q", mark[:-1])) == set()
    assert found(wire, ("metadata.plan", mark)) == {both}
    for path, value in (("age", "42"), ("ok", "true"), ("gone", "null")):
        nested = (f"metadata.user.{path}", value)
        assert found(wire, ("metadata.plan", mark), nested) == {both}
    for value in ("1", "x"):
        assert found(wire, ("metadata.plan", mark), ("metadata.list", value)) == {both}
    assert found(wire, ("metadata.plan", mark), ("metadata.plan", "pro")) == set()
    assert found(wire, ("metadata.age", "42"), ("tag", mark)) == set()
    everything = [("channel", channel), ("tag", "b"), ("userId", mark), ("q", mark)]
    assert found(wire, *everything, ("metadata.plan", mark)) == {both}
    assert found(wire, ("userId", mark), ("q", "another")) == set()


def test_a_value_is_not_taken_for_a_pattern(wire: Wire) -> None:
    mark = unique("mark")
    odd = make(wire, tags=[f"{mark}%_/'\"\\"], metadata={mark: "100%_/'\"\\é"})
    make(wire, tags=[f"{mark}xxxxxx"], metadata={mark: "100xxxxx"})
    assert found(wire, ("tag", f"{mark}%_/'\"\\")) == {odd}
    assert found(wire, ("tag", f"{mark}%")) == set()
    assert found(wire, (f"metadata.{mark}", "100%_/'\"\\é")) == {odd}
    assert found(wire, (f"metadata.{mark}", "100%")) == set()


def test_what_was_acknowledged_is_found_at_once(wire: Wire) -> None:
    channel = unique("search")

    def one(_number: int) -> None:
        word = unique("word").replace("-", "")
        made = make(wire, channelName=channel, title=word, tags=[word])
        assert found(wire, ("q", word)) == {made}
        assert found(wire, ("tag", word), ("channel", channel)) == {made}

    for _ in range(5):
        at_once(16, one)
    assert len(found(wire, ("channel", channel))) == 80


def test_any_name_of_a_person_finds_all_that_is_theirs(wire: Wire) -> None:
    person, alias, later = a_person(), unique("alias"), unique("alias")
    user = person["user_id"]
    before = {make(wire, userId=alias), make(wire, userId=user)}
    wire.identified({**person, "aliases": [alias]})
    after = {make(wire, userId=alias), make(wire, userId=user)}
    wire.identified({**person, "aliases": [later]})
    after.add(make(wire, userId=later))
    for name in (user, alias, later):
        assert found(wire, ("userId", name)) == before | after
    assert found(wire, ("userId", unique("nobody"))) == set()


def test_an_alias_that_became_somebody_elses_user_id_is_theirs(wire: Wire) -> None:
    first, name = a_person(), unique("name")
    wire.identified({**first, "aliases": [name]})
    mine = make(wire, userId=first["user_id"])
    wire.identified({"user_id": name})
    theirs = make(wire, userId=name)
    assert found(wire, ("userId", name)) == {theirs}
    assert found(wire, ("userId", first["user_id"])) == {mine}


def test_more_metadata_than_is_searchable_is_stored_and_no_fault(
    wire: Wire, server: Server
) -> None:
    mark = unique("mark")
    many = {f"k{n:04}": n for n in range(2000)}
    deep: Any = {"leaf": 1}
    for _ in range(200):
        deep = {"a": deep}
    made = {
        make(wire, tags=[mark], metadata=many),
        make(wire, tags=[mark], metadata={"deep": deep, "z": "last"}),
    }
    await_index(server)
    assert found(wire, ("tag", mark)) == made
    assert len(found(wire, ("tag", mark), ("metadata.z", "last"))) == 1
    assert len(found(wire, ("tag", mark), ("metadata.k0255", "255"))) == 1
