"""GET /v1/channels."""

import httpx2
import pytest

from tests.api.admin import Admin
from tests.dialects.native.wire import INSTANT, Wire, an_event, at_once, data_of, problems_of
from tests.server import Server, unique


@pytest.fixture(scope="module")
def wire(server: Server, http: httpx2.Client) -> Wire:
    """A tenant of this file's own, with a key bound to its project."""
    return Wire(http, server.address, server.make_tenant().key.secret)


def test_all_channels_by_name(fresh: Admin) -> None:
    assert fresh.get("/v1/channels") == {"channels": []}
    for name in ("beta", "alpha", "gamma 2", "Alpha"):
        fresh.wire.created(an_event(channelName=name, icon="🔔", description="First"))
    channels = fresh.get("/v1/channels")["channels"]
    assert [one["name"] for one in channels] == ["alpha", "beta", "gamma-2"]
    for one in channels:
        assert set(one) == {"id", "name", "icon", "description", "createdAt"}
        assert one["id"].startswith("channel_")
        assert (one["icon"], one["description"]) == ("🔔", "First")
        assert INSTANT.fullmatch(one["createdAt"])


@pytest.mark.parametrize("attempt", range(5))
def test_concurrent_first_events_make_one_channel(wire: Wire, attempt: int) -> None:
    name = unique("channel")

    def first(number: int) -> str:
        one = an_event(channelName=name, title=f"{number}")
        if number % 2:
            return str(wire.created(one)["id"])
        data = data_of(wire.post("/v1/events/batch", [one]), 200)
        return str(data["results"][0]["id"])

    made = at_once(64, first)
    events = wire.events_in(name)
    assert {event["id"] for event in events} == set(made)
    assert len(events) == 64
    [channel] = wire.channels_named(name)
    assert {event["channelId"] for event in events} == {channel["id"]}


def test_no_parameter_is_known(wire: Wire) -> None:
    assert problems_of(wire.get("/v1/channels?limit=1")) == [["limit"]]


def test_accounts_and_projects_do_not_meet(fresh: Admin, stranger: Admin) -> None:
    name = unique("channel")
    fresh.wire.created(an_event(channelName=name))
    assert stranger.wire.channels_named(name) == []
    second = fresh.make_project()["id"]
    answer = fresh.wire.send("GET", "/v1/channels", headers={"X-Project-ID": second})
    assert data_of(answer, 200) == {"channels": []}
