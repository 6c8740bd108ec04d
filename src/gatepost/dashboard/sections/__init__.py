"""The parts of the dashboard, in the order and under the headings of the navigation."""

from gatepost.dashboard.access import members
from gatepost.dashboard.routes import Section, grouped
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
    *grouped("Events", feed.SECTION, rules.SECTION, reports.SECTION),
    *grouped(
        "Delivery",
        deliveries.SECTION,
        endpoints.SECTION,
        mailbox.SECTION,
        templates.SECTION,
        domains.SECTION,
        suppressions.SECTION,
        push.SECTION,
    ),
    *grouped("Customers", customers.SECTION, usage.SECTION, gate.SECTION),
    *grouped("Access", keys.SECTION, members.SECTION),
    *grouped("Operations", audit.SECTION, operations.SECTION),
)
