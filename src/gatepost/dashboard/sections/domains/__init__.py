"""Domains that mail is sent from."""

from gatepost.dashboard.routes import Section, action, page
from gatepost.dashboard.sections.domains import domains
from gatepost.gate.scopes import Scope

SECTION = Section(
    name="domains",
    title="Sending domains",
    icon="globe",
    shortcut="o",
    scope=Scope.DOMAINS_READ,
    routes=(
        page("/domains", domains.list_),
        page("/domains/new", domains.show_new),
        action("/domains/new", domains.make),
        page("/domains/{domain}", domains.show),
        action("/domains/{domain}/verify", domains.verify),
        action("/domains/{domain}/tracking", domains.track),
        action("/domains/{domain}/delete", domains.delete),
    ),
)
