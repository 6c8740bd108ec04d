"""The gate before one's own API: keys of one's own users, checks of them, relays."""

from gatepost.dashboard.routes import Section, action, page
from gatepost.dashboard.sections.gate import check, keys, relays
from gatepost.gate.scopes import Scope

SECTION = Section(
    name="gate",
    title="Gate",
    icon="shield",
    shortcut="g",
    scope=Scope.GATE_KEYS_READ,
    routes=(
        page("/gate", keys.show),
        action("/gate/keys", keys.create),
        page("/gate/keys/new", keys.new),
        page("/gate/keys/{key}", keys.one),
        page("/gate/keys/{key}/change", keys.edit),
        action("/gate/keys/{key}/change", keys.change),
        action("/gate/keys/{key}/rotate", keys.rotate),
        action("/gate/keys/{key}/switch", keys.switch),
        action("/gate/keys/{key}/end", keys.end),
        page("/gate/check", check.show),
        action("/gate/check", check.check),
        page("/gate/relays", relays.show),
        action("/gate/relays", relays.create),
        action("/gate/relays/secret", relays.secret),
        page("/gate/relays/new", relays.new),
        page("/gate/relays/{relay}", relays.one),
        action("/gate/relays/{relay}", relays.change),
        action("/gate/relays/{relay}/end", relays.end),
    ),
)
