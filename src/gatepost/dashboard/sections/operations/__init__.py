"""How it runs: the last requests of the account; for superusers how the installation fares."""

from gatepost.dashboard.routes import Section, action, page
from gatepost.dashboard.sections.operations import accounts, health, operators, requests, settings
from gatepost.gate.scopes import Scope

SECTION = Section(
    name="operations",
    title="System",
    icon="pulse",
    shortcut="s",
    scope=Scope.REFUSALS_READ,
    routes=(
        page("/operations", requests.show),
        page("/operations/health", health.show),
        page("/operations/settings", settings.show),
        page("/operations/accounts", accounts.show),
        action("/operations/accounts", accounts.create),
        action("/operations/accounts/change", accounts.change),
        page("/operations/operators", operators.show),
        action("/operations/operators/switch", operators.switch),
    ),
)
