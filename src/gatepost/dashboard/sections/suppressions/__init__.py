"""Addresses that get no mail any more."""

from gatepost.dashboard.routes import Section, action, page
from gatepost.dashboard.sections.suppressions import suppressions
from gatepost.gate.scopes import Scope

SECTION = Section(
    name="suppressions",
    title="Suppressions",
    icon="barred",
    shortcut="x",
    scope=Scope.SUPPRESSIONS_READ,
    routes=(
        page("/suppressions", suppressions.list_),
        action("/suppressions", suppressions.make),
        action("/suppressions/{suppression}/delete", suppressions.delete),
    ),
)
