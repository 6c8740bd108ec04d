"""Visitors of the dashboard."""

from collections.abc import Callable, Iterator

import pytest

from gatepost.dashboard.routes import Route
from tests.dashboard import seed
from tests.dashboard.entering import Entrance
from tests.dashboard.visitor import Visitor, sign_in
from tests.dashboard.walk import walk
from tests.server import Server, Tenant

MakeVisitor = Callable[..., Visitor]


@pytest.fixture(scope="session")
def make_visitor(server: Server, make_tenant: Callable[..., Tenant]) -> Iterator[MakeVisitor]:
    """Makes somebody with a browser: `make_visitor(account, role="viewer")`, of a new account if
    none is named; `role=None` is not signed in.
    """
    made: list[Visitor] = []

    def make(
        account: str | None = None, role: str | None = "owner", *, superuser: bool = False
    ) -> Visitor:
        account = account or make_tenant().account
        secret = sign_in(server, account, role=role, superuser=superuser) if role else None
        made.append(Visitor(server, account, secret))
        return made[-1]

    yield make
    for one in made:
        one.client.close()


@pytest.fixture
def entrance(server: Server) -> Iterator[Entrance]:
    """Where people come in with passwords and links."""
    with Entrance(server) as made:
        yield made


@pytest.fixture
def visitor(make_visitor: MakeVisitor) -> Visitor:
    """The owner of an account of its own, with one project and nothing in it."""
    return make_visitor()


@pytest.fixture(scope="session")
def furnished(
    server: Server, make_tenant: Callable[..., Tenant], make_visitor: MakeVisitor
) -> Visitor:
    """The owner of an account that has something of everything, who is a superuser; nobody changes
    it.
    """
    tenant = make_tenant()
    seed.fill(server, tenant)
    return make_visitor(tenant.account, superuser=True)


@pytest.fixture(scope="session")
def everything(furnished: Visitor) -> dict[Route, list[str]]:
    """The addresses of all its pages, by route."""
    return walk(furnished)
