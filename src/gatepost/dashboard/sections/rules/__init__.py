"""Rules, what they have found, and trying them before they count."""

from gatepost.dashboard.routes import Section, action, page
from gatepost.dashboard.sections.rules import alerts, editor, lists
from gatepost.gate.scopes import Scope

SECTION = Section(
    name="rules",
    title="Alerts",
    icon="bell",
    shortcut="a",
    scope=Scope.RULES_READ,
    primary=True,
    routes=(
        page("/rules", lists.list_),
        page("/rules/new", editor.show_new),
        action("/rules/new", editor.make),
        page("/rules/{rule}", lists.show),
        page("/rules/{rule}/edit", editor.show),
        action("/rules/{rule}/edit", editor.change),
        action("/rules/{rule}/mute", lists.mute),
        action("/rules/{rule}/unmute", lists.unmute),
        action("/rules/{rule}/switch", lists.switch),
        action("/rules/{rule}/delete", lists.delete),
        page("/alerts", alerts.list_),
        page("/alerts/{alert}", alerts.show),
        action("/alerts/{alert}/acknowledge", alerts.acknowledge),
    ),
)
