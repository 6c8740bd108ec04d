"""Usage: what the account used, and for whom."""

from gatepost.dashboard.routes import Section, page
from gatepost.dashboard.sections.usage import overview
from gatepost.gate.scopes import Scope

SECTION = Section(
    name="usage",
    title="Usage",
    icon="meter",
    shortcut="u",
    scope=Scope.USAGE_READ,
    routes=(page("/usage", overview.show),),
)
