"""The first page of an account: what happens today, what needs somebody, what to do first."""

from gatepost.dashboard.routes import Section, action, page
from gatepost.dashboard.sections.overview import overview
from gatepost.gate.scopes import Scope

SECTION = Section(
    name="overview",
    title="Overview",
    icon="home",
    shortcut="h",
    scope=Scope.EVENTS_READ,
    routes=(
        page("/overview", overview.show),
        action("/overview/begun", overview.hide),
    ),
)
