"""Who and what the demo is about: a small shop that does not exist, at addresses nobody has."""

from __future__ import annotations

from random import Random
from typing import Any

import msgspec

COMPANY = "Lumen Coffee"
DOMAIN = "lumen.example"
SENDER = f"{COMPANY} <hello@{DOMAIN}>"
OUTSIDE = "example.invalid"
"""What endpoints are below: a name that leads nowhere, by RFC 2606."""
ADA, MARA = f"ada@{DOMAIN}", f"mara@{DOMAIN}"

FIRST = (
    *("Ada", "Amir", "Anouk", "Bela", "Carla", "Chidi", "Dana", "Elif", "Emil", "Farah", "Goran"),
    *("Hana", "Ines", "Ivo", "Jun", "Kaya", "Lars", "Lea", "Mei", "Milo", "Nadia", "Noor", "Olga"),
    *("Otto", "Paula", "Quinn", "Rosa", "Sami", "Tara", "Uma", "Vera", "Wanda", "Yara", "Zoltan"),
    *("Bjørn", "Zoë"),
)
LAST = (
    *("Abara", "Bauer", "Castillo", "Dubois", "Eriksen", "Ferrari", "Grünwald", "Haddad", "Ito"),
    *("Jansen", "Kowalski", "Lindqvist", "Moreau", "Nakamura", "O'Brien", "Petrova", "Quiroga"),
    *("Rossi", "Sørensen", "Takeda", "Ulrich", "Varga", "Weiss", "Yilmaz", "Zhou"),
)
COUNTRIES = ("DE", "FR", "GB", "NL", "ES", "SE", "US", "JP", "BR")
COUNTRY_WEIGHTS = (22, 16, 14, 9, 8, 7, 14, 6, 4)
PLANS = ("free", "plus", "pro")
PLAN_WEIGHTS = (60, 28, 12)
COFFEES = (
    ("Sunrise blend", 1190),
    ("Guji natural", 1690),
    ("Decaf Huila", 1290),
    ("Espresso No. 4", 1390),
    ("Gesha microlot", 3990),
    ("Filter starter set", 6450),
)
"""What the shop sells, and for how many cents."""
PRAISE = (
    "The Guji natural is the best I have had at home",
    "Arrived a day early, and still warm from the roaster",
    "Skipping a delivery took two clicks. Thank you!",
    "Could you offer smaller bags of the decaf?",
    "The new grinder guide is exactly what I needed",
    "Box was dented, the coffee was fine",
    "I would like to choose the roast date",
)
FAULTS = (
    ("Checkout failed: the card was declined", "card_declined"),
    ("Checkout failed: the bank did not answer", "bank_timeout"),
    ("Label could not be printed", "carrier_unavailable"),
    ("Image of a product is missing", "not_found"),
)
AT_CHECKOUT = frozenset({"card_declined", "bank_timeout"})
SERVICES = ("shop", "checkout", "roastery", "mailer")
COMPANIES = (
    ("kaffeehaus-west", "Kaffeehaus West", "scale"),
    ("studio-nord", "Studio Nord", "scale"),
    ("bean-there", "Bean There Ltd", "team"),
    ("la-pausa", "La Pausa", "team"),
    ("office-42", "Office 42", "team"),
    ("hotel-miramar", "Hotel Miramar", "team"),
    ("nine-to-brew", "Nine to Brew", "starter"),
    ("atelier-zwei", "Atelier Zwei", "starter"),
)
"""Customers that data requests are metered for: identifier, name, plan."""
ALLOWED = frozenset("abcdefghijklmnopqrstuvwxyz.")


class Person(msgspec.Struct, frozen=True):
    """A customer of the shop; the e-mail address is an alias of the user id."""

    user_id: str
    name: str
    email: str
    country: str
    plan: str

    @property
    def properties(self) -> dict[str, Any]:
        """What the shop knows of them."""
        return {
            "name": self.name,
            "email": self.email,
            "country": self.country,
            "plan": self.plan,
            "newsletter": self.plan != "free",
        }


def people(random: Random, many: int) -> list[Person]:
    """Make people up, each with an address of their own."""
    return [_person(random, number) for number in range(1, many + 1)]


def _person(random: Random, number: int) -> Person:
    first, last = random.choice(FIRST), random.choice(LAST)
    country = random.choices(COUNTRIES, COUNTRY_WEIGHTS)[0]
    plan = random.choices(PLANS, PLAN_WEIGHTS)[0]
    letters = "".join(one for one in f"{first}.{last}".lower() if one.isascii() and one in ALLOWED)
    email = f"{letters}{number}@mail.example"
    return Person(f"user_{1000 + number}", f"{first} {last}", email, country, plan)


def maybe(random: Random, share: float) -> bool:
    """Say yes so often."""
    return random.random() < share
