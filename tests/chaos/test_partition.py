"""Two app hosts and a database host, and a network that loses what passes between them.

The hosts are network namespaces. Where a machine permits none, a proxy on each road falls silent
instead; the test's name says which of the two it was.
"""

import time
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import pytest

from tests.chaos import hosts
from tests.chaos.books import Books
from tests.chaos.client import Client, Load, account, ask
from tests.chaos.cluster import COUNTED, RECOVERY_S, Node
from tests.chaos.sites import Namespaces, Proxies, Site
from tests.waiting import wait_for

CLIENTS = 16
CALM = 100
"""Successes between a recovery and the next partition."""
PARTITION_S = 12.0
"""Longer than any time-out that a partition runs into."""
NOTICED_S = 10.0
LOCKED_S = 10.0
"""What a host that vanished held is free again after this long."""
KINDS = {"network namespaces": Namespaces, "silent proxies": Proxies}
KIND = "network namespaces" if hosts.possible() else "silent proxies"


@pytest.fixture(params=[KIND])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    with KINDS[request.param](tmp_path) as made:
        yield made


@pytest.mark.once
@pytest.mark.timeout(240)
def test_partitions_cost_refusals_but_break_no_promise(site: Site) -> None:
    books = Books()
    tenant = site.apps[0].make_tenant(plan=COUNTED)

    def client() -> Client:
        return Client(site.apps, tenant.key.secret, books)

    cut, other = site.apps
    with Load(client, account, clients=CLIENTS, pause_s=0.1, seed=1):
        calm(books)
        with site.apart(cut):
            began = time.monotonic()
            until_refused(books, [cut], began)
            until_successful(books, [other], began + LOCKED_S)
            wait_for(lambda: time.monotonic() > began + PARTITION_S, "time-outs", PARTITION_S)
        until_successful(books, site.apps, time.monotonic())
        calm(books)
        with site.apart(cut), site.apart(other):
            until_refused(books, site.apps, time.monotonic())
        until_successful(books, site.apps, time.monotonic())
        calm(books)
    assert not books.unexpected(), "only 2xx, 409, 429 and 503 with Retry-After"
    assert not books.broken_off(site.apps), "nobody was cut off, for no process died"
    assert not books.hung(), "nobody waited for long"
    assert not books.audit(ask(client, Client.stored)), "nothing was lost or done twice"
    assert books.acknowledged.keys() == books.orders
    assert ask(client, Client.counted) == [len(books.orders)], "nothing was charged twice"


def until_refused(books: Books, apps: Sequence[Node], since: float) -> None:
    """Each app says 503 to a request that came later: there is no silence to wait out."""
    for app in apps:
        wait_for(partial(books.refused, app, since), "a refusal", NOTICED_S)


def until_successful(books: Books, apps: Sequence[Node], since: float) -> None:
    """Each app stores what came later, within the promised time."""
    patience_s = since + RECOVERY_S - time.monotonic()
    for app in apps:
        wait_for(partial(books.served, app, since), "a success", patience_s)


def calm(books: Books) -> None:
    """Let the load go on undisturbed for a while."""
    enough = len(books.acknowledged) + CALM
    wait_for(lambda: len(books.acknowledged) >= enough, "calm load", RECOVERY_S)
