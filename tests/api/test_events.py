"""GET /v1/events: order, pages, time ranges, what a query may say."""

from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import httpx2
import pytest

from tests.api.admin import Admin
from tests.dialects.native.wire import Wire, an_event, data_of, problems_of, refusal_of
from tests.server import Server, unique

PATH = "/v1/events"
Query = dict[str, str] | list[tuple[str, str]]


@pytest.fixture(scope="module")
def wire(server: Server, http: httpx2.Client) -> Wire:
    """A tenant of this file's own, with a key bound to its project."""
    return Wire(http, server.address, server.make_tenant().key.secret)


def page(wire: Wire, query: Query) -> tuple[list[str], str | None]:
    """The ids of a page and its next cursor."""
    data = data_of(wire.get(f"{PATH}?{urlencode(query)}"), 200)
    assert set(data) == {"events", "nextCursor"}
    return [event["id"] for event in data["events"]], data["nextCursor"]


def ids(wire: Wire, query: Query) -> list[str]:
    return page(wire, query)[0]


def at(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


# Order and pages


def test_the_newest_come_first_each_as_it_was_created(wire: Wire) -> None:
    channel = unique("list")
    sent = [wire.created(an_event(channelName=channel, title=f"{n}")) for n in range(5)]
    found = data_of(wire.get(f"{PATH}?channel={channel}"), 200)
    assert found == {"events": sent[::-1], "nextCursor": None}


@pytest.mark.parametrize("name", ["cursor", "before"])
@pytest.mark.parametrize("size", [1, 3, 7, 100])
def test_pages_join_although_events_keep_coming(wire: Wire, name: str, size: int) -> None:
    channel = unique("list")
    sent = [wire.created(an_event(channelName=channel))["id"] for _ in range(7)]
    joined, query = [], {"channel": channel, "limit": str(size)}
    while True:
        found, cursor = page(wire, query)
        joined += found
        if cursor is None:
            break
        query[name] = cursor
        wire.created(an_event(channelName=channel))
    assert joined == sent[::-1]


def test_fifty_is_the_usual_page(wire: Wire) -> None:
    channel = unique("list")
    wire.post("/v1/events/batch", [an_event(channelName=channel)] * 51)
    found, cursor = page(wire, {"channel": channel})
    assert len(found) == 50
    assert cursor is not None
    found, cursor = page(wire, {"channel": channel, "cursor": cursor})
    assert (len(found), cursor) == (1, None)


def test_without_a_filter_all_of_the_project_is_listed(fresh: Admin) -> None:
    sent = [fresh.wire.created(an_event())["id"] for _ in range(3)]
    assert page(fresh.wire, {}) == (sent[::-1], None)


# Time


def test_backfilled_events_take_the_place_of_their_time(wire: Wire) -> None:
    channel = unique("list")
    start = datetime(2024, 2, 29, 12, tzinfo=UTC)
    moments = [start + timedelta(seconds=n) for n in (3, 1, 2)]
    made = [wire.created(an_event(channelName=channel, timestamp=at(moment))) for moment in moments]
    assert [event["createdAt"] for event in made] == [at(moment) for moment in moments]
    expected = [made[n]["id"] for n in (0, 2, 1)]
    assert ids(wire, {"channel": channel}) == expected


def test_since_is_inclusive_and_before_is_not(wire: Wire) -> None:
    channel = unique("list")
    start = datetime(2024, 3, 1, tzinfo=UTC)
    moments = [start + timedelta(milliseconds=n) for n in range(4)]
    made = [
        wire.created(an_event(channelName=channel, timestamp=at(moment)))["id"]
        for moment in moments
    ]
    query = {"channel": channel}
    assert ids(wire, query | {"since": at(moments[2])}) == made[:1:-1]
    assert ids(wire, query | {"before": at(moments[2])}) == made[1::-1]
    assert ids(wire, query | {"since": at(moments[1]), "before": at(moments[2])}) == [made[1]]
    assert ids(wire, query | {"since": at(moments[2]), "before": at(moments[1])}) == []
    # Between two milliseconds.
    between = "2024-03-01T00:00:00.001500Z"
    assert ids(wire, query | {"since": between}) == made[:1:-1]
    assert ids(wire, query | {"before": between}) == made[1::-1]


@pytest.mark.parametrize(
    "text",
    [
        "2024-03-01T00:00:01Z",
        "2024-03-01T00:00:01.000Z",
        "2024-03-01T01:00:01+01:00",
        "2024-02-29T19:00:01-05:00",
        "2024-03-01T00:00:01",
        "2024-03-01 00:00:01",
    ],
)
def test_spellings_of_a_moment(wire: Wire, text: str) -> None:
    channel = unique("list")
    for second in (0, 1, 2):
        wire.created(an_event(channelName=channel, timestamp=f"2024-03-01T00:00:0{second}Z"))
    assert len(ids(wire, {"channel": channel, "since": text})) == 2
    # A plus sign that was not escaped.
    raw = data_of(wire.get(f"{PATH}?channel={channel}&since={text.replace(' ', 'T')}"), 200)
    assert len(raw["events"]) == 2


# What is refused


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ({"limit": "0"}, ["limit"]),
        ({"limit": "101"}, ["limit"]),
        ({"limit": "ten"}, ["limit"]),
        ({"limit": ""}, ["limit"]),
        ({"limit": "1.5"}, ["limit"]),
        ({"since": "yesterday"}, ["since"]),
        ({"since": ""}, ["since"]),
        ({"since": "99999-01-01T00:00:00Z"}, ["since"]),
        ({"before": "x"}, ["before"]),
        ({"before": "AAAA"}, ["before"]),
        ({"cursor": "2024-03-01T00:00:00Z"}, ["cursor"]),
        ({"cursor": "%%%"}, ["cursor"]),
        ({"cursor": "é"}, ["cursor"]),
        ({"cursor": "A" * 22, "before": "A" * 22}, ["cursor"]),
        ({"channel": ""}, ["channel"]),
        ({"channel": "!!"}, ["channel"]),
        ({"channel": "x" * 256}, ["channel"]),
        ({"userId": ""}, ["userId"]),
        ({"userId": "x" * 256}, ["userId"]),
        ({"userId": "a\x00b"}, ["userId"]),
        ({"q": ""}, ["q"]),
        ({"q": "?!"}, ["q"]),
        ({"q": "x" * 501}, ["q"]),
        ([("tag", "x")] * 21, ["tag"]),
        ({"user": "u"}, ["user"]),
        ({"metadata": "x"}, ["metadata"]),
        ({"metadata.": "x"}, ["metadata."]),
        ({"Channel": "x"}, ["Channel"]),
        ([("channel", "a"), ("channel", "b")], ["channel"]),
        ([("q", "a"), ("q", "b")], ["q"]),
    ],
    ids=str,
)
def test_a_query_that_cannot_be_meant_is_refused(wire: Wire, query: Query, path: list[str]) -> None:
    assert problems_of(wire.get(f"{PATH}?{urlencode(query)}")) == [path]


def test_a_typo_is_told_the_right_name(wire: Wire) -> None:
    body = refusal_of(
        wire.get(f"{PATH}?chanel=x&userid=y"), 400, "validation_error", "Validation error"
    )
    messages = [detail["message"] for detail in body["details"]]
    assert messages == [
        "Unknown parameter; did you mean channel?",
        "Unknown parameter; did you mean userId?",
    ]


def test_hundreds_of_parameters_are_refused(wire: Wire) -> None:
    many = "&".join(f"metadata.k{n}=1" for n in range(300))
    assert len(problems_of(wire.get(f"{PATH}?{many}"))) == 1


def test_odd_bytes_are_no_fault(wire: Wire) -> None:
    for raw in ("tag=%ff%fe", "q=%ffx", "tag=%ud800", "q=%F0%9F%98%80x1", "tag=%", "userId=%C3"):
        assert data_of(wire.get(f"{PATH}?{raw}"), 200)["events"] == [], raw


# Who may read what


def test_scope(fresh: Admin) -> None:
    writer = fresh.wire.using(fresh.make(scopes=["events"])["key"])
    for path in (PATH, "/v1/channels", "/v1/events/stream"):
        refusal_of(writer.get(path), 403, "forbidden", "Forbidden")
    reader = fresh.wire.using(fresh.make(scopes=["read"])["key"])
    assert reader.get(PATH).status_code == 200


def test_accounts_and_projects_do_not_meet(fresh: Admin, stranger: Admin) -> None:
    channel, user, word = unique("list"), unique("user"), unique("word")
    made = fresh.wire.created(
        an_event(channelName=channel, userId=user, title=word, tags=[word], metadata={"k": word})
    )
    second = fresh.make_project()["id"]
    for query in (
        {"channel": channel},
        {"userId": user},
        {"q": word},
        {"tag": word},
        {"metadata.k": word},
    ):
        path = f"{PATH}?{urlencode(query)}"
        here = {"X-Project-ID": fresh.project}
        found = data_of(fresh.wire.send("GET", path, headers=here), 200)["events"]
        assert [event["id"] for event in found] == [made["id"]]
        there = fresh.wire.send("GET", path, headers={"X-Project-ID": second})
        assert data_of(there, 200)["events"] == []
        assert data_of(stranger.wire.get(path), 200)["events"] == []
    answer = stranger.wire.send("GET", PATH, headers={"X-Project-ID": fresh.project})
    assert answer.status_code == 404
