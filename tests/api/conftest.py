"""Administrators for the tests of what manages keys and projects."""

from collections.abc import Iterator

import httpx2
import pytest

from tests.api.admin import Admin, make_admin
from tests.server import Server


@pytest.fixture(scope="package")
def roomy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that lets these tests try ended keys as often as they like."""
    patient = {"GATEPOST_UNKNOWN_KEYS_PER_MINUTE": "1000000"}
    with Server(tmp_path_factory.mktemp("roomy") / "data", env=patient) as running:
        yield running


@pytest.fixture(scope="package")
def pair(roomy: Server, http: httpx2.Client) -> tuple[Admin, Admin]:
    """Two accounts on the plan `unlimited`."""
    return make_admin(roomy, http), make_admin(roomy, http)


@pytest.fixture
def owner(pair: tuple[Admin, Admin]) -> Iterator[Admin]:
    """The account most tests share. It keeps its one project, which writes need not name."""
    yield pair[0]
    refuse_further_projects(pair[0])


@pytest.fixture
def stranger(pair: tuple[Admin, Admin]) -> Iterator[Admin]:
    """Another account, shared in the same way."""
    yield pair[1]
    refuse_further_projects(pair[1])


@pytest.fixture(scope="package")
def landlord(roomy: Server, http: httpx2.Client) -> Admin:
    """The account whose projects come and go: a write names one, or has a key bound to one."""
    return make_admin(roomy, http)


@pytest.fixture
def fresh(roomy: Server, http: httpx2.Client) -> Admin:
    """An account of the test's own."""
    return make_admin(roomy, http)


def refuse_further_projects(admin: Admin) -> None:
    """Fail the test that made one, rather than those after it."""
    projects = [one["id"] for one in admin.get("/v1/projects")["projects"]]
    if projects != [admin.project]:
        pytest.fail("a shared account has got further projects: take `landlord`")
