"""The parts of the dashboard, in the order of the navigation: one line each."""

from gatepost.dashboard.access import members
from gatepost.dashboard.routes import Section
from gatepost.dashboard.sections import (
    audit,
    customers,
    deliveries,
    domains,
    endpoints,
    feed,
    gate,
    keys,
    mailbox,
    operations,
    overview,
    push,
    reports,
    rules,
    suppressions,
    templates,
    usage,
)

SECTIONS: tuple[Section, ...] = (
    overview.SECTION,
    feed.SECTION,
    rules.SECTION,
    deliveries.SECTION,
    endpoints.SECTION,
    mailbox.SECTION,
    templates.SECTION,
    domains.SECTION,
    suppressions.SECTION,
    push.SECTION,
    reports.SECTION,
    keys.SECTION,
    customers.SECTION,
    usage.SECTION,
    gate.SECTION,
    members.SECTION,
    audit.SECTION,
    operations.SECTION,
)
