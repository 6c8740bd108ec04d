"""Deliveries and messages: what was sent to whom, how it went, and how to send it again."""

from gatepost.dashboard.routes import Section, action, page
from gatepost.dashboard.sections.deliveries import compose, delivery, log, messages
from gatepost.gate.scopes import Scope

SECTION = Section(
    name="deliveries",
    title="Deliveries",
    icon="send",
    shortcut="d",
    scope=Scope.MESSAGES_READ,
    primary=True,
    routes=(
        page("/deliveries", log.show),
        page("/deliveries/replay", log.ask),
        action("/deliveries/replay", log.replay),
        page("/deliveries/{delivery}", delivery.show),
        *(
            action(f"/deliveries/{{delivery}}/{verb}", delivery.change(verb))
            for verb in delivery.SAID
        ),
        page("/messages", messages.list_),
        page("/messages/new", compose.show),
        action("/messages/new", compose.send),
        page("/messages/{message}", messages.show),
        action("/messages/{message}/cancel", messages.cancel),
    ),
)
