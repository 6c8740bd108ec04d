"""Counts and charts: aggregators, how to send to them, and reports of what was counted."""

from gatepost.dashboard.routes import Entry, Section, action, page
from gatepost.dashboard.sections.reports import listing, manage, report, setup, sharing
from gatepost.gate.scopes import Scope

SECTION = Section(
    name="reports",
    title="Counts",
    icon="chart",
    shortcut="c",
    scope=Scope.AGGREGATORS_READ,
    routes=(
        page("/counts", listing.show),
        action("/counts", manage.create),
        page("/counts/new", manage.new),
        page("/counts/events", report.of_project),
        action("/counts/events", manage.start_counting),
        page("/counts/shares", sharing.list_),
        action("/counts/shares", sharing.create),
        page("/counts/shares/new", sharing.new),
        action("/counts/shares/{share}/revoke", sharing.revoke),
        page("/shared/{secret}", sharing.show, Entry.ANYBODY),
        page("/counts/{aggregator}", report.of_aggregator),
        page("/counts/{aggregator}/setup", setup.show),
        action("/counts/{aggregator}/setup", setup.make_key),
        page("/counts/{aggregator}/settings", manage.settings),
        action("/counts/{aggregator}/settings", manage.change),
        action("/counts/{aggregator}/archive", manage.archive),
        action("/counts/{aggregator}/delete", manage.delete),
    ),
)
