"""Templates of messages: their versions, publishing, and what becomes of them."""

from gatepost.dashboard.routes import Section, action, page
from gatepost.dashboard.sections.templates import editor, lists, preview
from gatepost.gate.scopes import Scope

SECTION = Section(
    name="templates",
    title="Templates",
    icon="template",
    shortcut="t",
    scope=Scope.TEMPLATES_READ,
    routes=(
        page("/templates", lists.list_),
        page("/templates/new", editor.show_new),
        action("/templates/new", editor.make),
        page("/templates/{template}", editor.show),
        action("/templates/{template}", editor.change),
        page("/templates/{template}/preview", preview.show),
        page("/templates/{template}/frame", preview.frame),
        action("/templates/{template}/publish", editor.publish),
        action("/templates/{template}/delete", editor.delete),
    ),
)
