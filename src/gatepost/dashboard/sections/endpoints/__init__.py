"""Endpoints: URLs that are told what happens, how they fare, what they are told."""

from gatepost.dashboard.routes import Section, action, page
from gatepost.dashboard.sections.endpoints import direct, pages
from gatepost.gate.scopes import Scope

ONE = "/endpoints/{endpoint}"

SECTION = Section(
    name="endpoints",
    title="Endpoints",
    icon="hook",
    shortcut="e",
    scope=Scope.ENDPOINTS_READ,
    routes=(
        page("/endpoints", pages.list_),
        page("/endpoints/new", pages.ask_new),
        action("/endpoints/new", pages.create),
        page("/endpoints/direct", direct.show),
        action("/endpoints/direct", direct.reveal),
        action("/endpoints/direct/rotate", direct.rotate),
        action("/endpoints/direct/forget", direct.forget),
        page(ONE, pages.show),
        page(f"{ONE}/edit", pages.ask_edit),
        action(f"{ONE}/edit", pages.edit),
        page(f"{ONE}/rotate", pages.ask_rotate),
        action(f"{ONE}/rotate", pages.rotate),
        page(f"{ONE}/recover", pages.ask_recover),
        action(f"{ONE}/recover", pages.recover),
        action(f"{ONE}/test", pages.test),
        *(action(f"{ONE}/{verb}", pages.switch(verb)) for verb in pages.SAID),
        action(f"{ONE}/delete", pages.delete),
    ),
)
