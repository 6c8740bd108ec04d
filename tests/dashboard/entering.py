"""How people come in, for tests about that."""

from __future__ import annotations

from dataclasses import dataclass
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from tests.dashboard.visitor import COOKIE, Page, Visitor
from tests.server import Server, unique

PASSWORD = "correct horse battery"


@dataclass
class Person:
    """An operator with a password, and the browser that set it."""

    email: str
    account: str
    browser: Visitor


class Entrance:
    """Makes browsers and people of one server; at its end, the browsers are closed."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self._made: list[Visitor] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: object, _trace: TracebackType | None
    ) -> None:
        for one in self._made:
            one.client.close()

    def browser(self, account: str = "", secret: str | None = None) -> Visitor:
        """A browser that is not signed in, unless it has the secret of a session."""
        self._made.append(Visitor(self.server, account, secret))
        return self._made[-1]

    def enroll(self, account: str, role: str = "owner") -> Person:
        """Make an operator by the command line, whose link is opened."""
        email = f"{unique('grace')}@example.com"
        made = self.server.cli("operator", "add", email, "--account", account, "--role", role)
        browser = self.browser(account)
        welcome = browser.open(path_of(made["link"]))
        page = browser.submit(welcome, "Go on", name="Grace", password=PASSWORD)
        if not browser.client.cookies.get(COOKIE):
            raise AssertionError(page.answer.text)
        return Person(email, account, browser)


def path_of(link: str) -> str:
    """Where a link leads, whatever address it was made for."""
    return urlsplit(link).path


def sign_in(browser: Visitor, email: str, password: str = PASSWORD, **more: str) -> Page:
    """Fill the form in."""
    return browser.submit(
        browser.open("/dashboard/sign-in"), "Sign in", email=email, password=password, **more
    )
