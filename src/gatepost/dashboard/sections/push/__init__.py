"""Browsers that are told: this one, and all others of the account."""

from gatepost.dashboard.routes import Entry, Section, action, page
from gatepost.dashboard.sections.push import app, devices
from gatepost.gate.scopes import Scope

SECTION = Section(
    name="push",
    title="Devices",
    icon="phone",
    shortcut="p",
    scope=Scope.PUSH_READ,
    routes=(
        page("/push", devices.list_),
        action("/push/{device}/test", devices.test),
        action("/push/{device}/delete", devices.delete),
        page("/manifest.webmanifest", app.manifest, Entry.ANYBODY),
        page("/worker.js", app.worker, Entry.ANYBODY),
    ),
)
