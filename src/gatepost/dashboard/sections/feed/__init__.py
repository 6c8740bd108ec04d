"""The feed: events as they arrive, one event and what became of it, one person."""

from gatepost.dashboard.routes import Section, action, page
from gatepost.dashboard.sections.feed import event, feed, person
from gatepost.gate.scopes import Scope

SECTION = Section(
    name="feed",
    title="Feed",
    icon="feed",
    shortcut="f",
    scope=Scope.EVENTS_READ,
    primary=True,
    routes=(
        page("/feed", feed.show),
        action("/feed/key", feed.first_key),
        page("/events/{event}", event.show),
        page("/person", person.show),
        page("/person/export", person.export),
        action("/person/erase", person.erase),
    ),
)
