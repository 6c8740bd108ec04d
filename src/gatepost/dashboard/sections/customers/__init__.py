"""Customers: whom usage is metered for, what they used, and what they may use."""

from gatepost.dashboard.routes import Section, action, page
from gatepost.dashboard.sections.customers import changing, customer, listing
from gatepost.gate.scopes import Scope

SECTION = Section(
    name="customers",
    title="Customers",
    icon="people",
    shortcut="n",
    scope=Scope.CUSTOMERS_READ,
    routes=(
        page("/customers", listing.show),
        action("/customers", changing.create),
        page("/customers/new", changing.new),
        page("/customers/{customer}", customer.show),
        page("/customers/{customer}/requests", customer.requests),
        page("/customers/{customer}/quota", customer.quota),
        action("/customers/{customer}/quota", customer.set_quota),
        action("/customers/{customer}/quota/remove", customer.remove_quota),
        action("/customers/{customer}/corrections", customer.adjust),
        page("/customers/{customer}/keys", customer.keys),
        page("/customers/{customer}/change", changing.edit),
        action("/customers/{customer}/change", changing.change),
        action("/customers/{customer}/end", changing.end),
    ),
)
