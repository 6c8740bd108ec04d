"""Keys: who may use the API and for what, why requests were refused, the plan, and projects."""

from gatepost.dashboard.routes import Section, action, page
from gatepost.dashboard.sections.keys import listing, making, projects, refusals
from gatepost.gate.scopes import Scope

SECTION = Section(
    name="keys",
    title="Keys and limits",
    short="Keys",
    icon="key",
    shortcut="k",
    scope=Scope.KEYS_READ,
    primary=True,
    routes=(
        page("/keys", listing.show),
        action("/keys", making.create),
        page("/keys/new", making.new),
        page("/keys/{key}", listing.one),
        page("/keys/{key}/change", making.edit),
        action("/keys/{key}/change", making.change),
        action("/keys/{key}/rotate", making.rotate),
        action("/keys/{key}/switch", making.switch),
        action("/keys/{key}/end", making.end),
        page("/refusals", refusals.show),
        page("/limits", refusals.plan),
        page("/projects", projects.show),
        action("/projects", projects.create),
        page("/projects/new", projects.new),
        page("/projects/{id}", projects.one),
        action("/projects/{id}", projects.change),
        action("/projects/{id}/end", projects.end),
    ),
)
