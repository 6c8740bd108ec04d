"""A page whose chart takes long is there at once, and the chart comes as its end."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from gatepost.base import ids
from gatepost.base.clock import HOUR_MS
from gatepost.base.ids import AccountId, AggregatorId
from gatepost.domains.aggregators import counts as counters
from gatepost.domains.aggregators import labels
from gatepost.domains.aggregators.labels import Kind
from gatepost.domains.aggregators.tables import counts
from gatepost.storage import sql
from tests.dashboard.conftest import MakeVisitor
from tests.dashboard.visitor import Page, Visitor
from tests.server import Server, Tenant

HOURS, EACH = 400, 300
"""Counters enough for a report that takes several times as long as a page waits for it."""
SETS = [(f"country:{at}", f"plan:{at % 7}") for at in range(EACH)]


@pytest.fixture(scope="module")
def slow(
    server: Server, make_tenant: Callable[..., Tenant], make_visitor: MakeVisitor
) -> tuple[Visitor, str]:
    """Somebody who looks at an aggregator with many counters, and its id."""
    tenant = make_tenant()
    inside = server._inside()
    mine = inside.make_aggregator(tenant.account, "Much")
    place = (
        AccountId(ids.parse("account", tenant.account)),
        AggregatorId(ids.parse("aggregator", mine)),
    )
    local = inside._local
    with local.write() as tx:
        name = labels.digest("order")
        fresh = {(*place, int(Kind.NAME), name): "order"}
        for tags in SETS:
            fresh[*place, int(Kind.TAG_SET), labels.set_digest(tags)] = labels.set_text(tags)
        labels.write(tx, fresh)
        sets = sorted(map(labels.set_digest, SETS))
        last = local.now() // HOUR_MS * HOUR_MS
        slots = [last - at * HOUR_MS for at in range(HOURS)]
        rows = [(*place, slot, name, tags, 1) for slot in slots for tags in sets]
        sql.insert_rows(tx, counts, (*counters.KEYS, "events"), rows)
    return make_visitor(tenant.account), mine


def test_the_frame_comes_before_the_chart(slow: tuple[Visitor, str]) -> None:
    visitor, mine = slow
    where = visitor.at(f"counts/{mine}?by=prefix")
    with visitor.client.stream("GET", where) as answer:
        pieces = list(answer.iter_raw())
    assert (answer.status_code, answer.headers["x-accel-buffering"]) == (200, "no")
    frame, rest = pieces[0].decode(), b"".join(pieces[1:]).decode()
    assert "Counting…" in frame
    assert "Filters</summary>" in frame
    assert "data-chart" not in frame
    assert "data-chart" in rest
    assert rest.rstrip().endswith("</html>")


def test_a_late_chart_is_the_same(slow: tuple[Visitor, str]) -> None:
    visitor, mine = slow
    page = visitor.open(f"counts/{mine}?by=prefix&period=today")
    late = visitor.open(f"counts/{mine}?by=prefix")
    for one in (page, late):
        assert {"country", "plan"} <= legend(one)


def legend(page: Page) -> set[str]:
    found = next(one for one in page.root.all("ul") if one.attributes.get("class") == "legend")
    return {one.one("bdi").text for one in found.all("li")}
