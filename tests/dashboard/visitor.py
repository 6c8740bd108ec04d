"""Somebody with a browser, without the browser: signs in, follows links, fills forms by reading
the HTML.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx2

from gatepost.base import crypto, ids
from gatepost.domains.operators import model, sessions, store
from gatepost.domains.operators.model import Role
from tests import plain
from tests.server import Server, unique

COOKIE = "gatepost_session"
VOID = frozenset({"input", "link", "meta", "br", "hr", "img"})


def sign_in(
    server: Server,
    *accounts: str,
    role: str = "owner",
    name: str = "Ada",
    superuser: bool = False,
) -> str:
    """Make an operator who works for these accounts: the secret of a session that is signed in.

    How people sign in is tested elsewhere; this is quicker.
    """
    local = server._inside()._local
    now, secret = local.now(), secrets.token_urlsafe(32)
    with local.write() as tx:
        email = f"{unique('ada')}@example.com"
        one = ids.OperatorId(ids.new())
        operator = model.Operator(
            id=one, email=email, name=name, superuser=superuser, created_at=now
        )
        store.append(tx, operator, None)
        for account in accounts:
            at = ids.AccountId(ids.parse("account", account))
            mine = ids.MembershipId(ids.new())
            store.join(tx, model.Membership(mine, one, at, Role(role), now))
        session = model.Session(
            id=ids.SessionId(ids.new()),
            operator_id=one,
            created_at=now,
            seen_at=now,
            expires_at=model.session_end(now, now),
            address="127.0.0.1",
            agent="tests",
            passed=True,
        )
        sessions.open_(tx, session, crypto.digest(local.pepper, secret))
    return secret


@dataclass
class Node:
    """An element: its name, attributes, text (its descendants' included) and children."""

    tag: str
    attributes: dict[str, str]
    text: str = ""
    inside: list[Node] = field(default_factory=list)

    def all(self, tag: str, **attributes: str) -> list[Node]:
        """All elements below it of a name, with these attributes (`data_row` is `data-row`)."""
        wanted = {name.strip("_").replace("_", "-"): value for name, value in attributes.items()}
        return [
            one
            for one in self.below()
            if one.tag == tag
            and all(one.attributes.get(name) == value for name, value in wanted.items())
        ]

    def one(self, tag: str, **attributes: str) -> Node:
        """The only one of them."""
        found = self.all(tag, **attributes)
        if len(found) != 1:
            raise AssertionError(f"{len(found)} <{tag}> with {attributes}")
        return found[0]

    def below(self) -> list[Node]:
        """All elements below it; what is in a template is not there yet."""
        if self.tag == "template":
            return []
        return [deep for child in self.inside for deep in (child, *child.below())]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.root = Node("", {})
        self._open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        node = Node(tag, {name: value or "" for name, value in attrs})
        self._open[-1].inside.append(node)
        if tag not in VOID:
            self._open.append(node)

    def handle_endtag(self, tag: str) -> None:
        while len(self._open) > 1 and self._open.pop().tag != tag:
            pass

    def handle_data(self, data: str) -> None:
        for node in self._open:
            node.text += data


class Page:
    """A page as it was answered."""

    def __init__(self, answer: httpx2.Response) -> None:
        self.answer = answer
        self.status = answer.status_code
        self.address = str(answer.url)
        reader = _Reader()
        reader.feed(answer.text)
        self.root = reader.root

    @property
    def text(self) -> str:
        """What is to be read in the main part, in one line."""
        return " ".join(self.root.one("main").text.split())

    @property
    def title(self) -> str:
        return self.root.one("h1").text.strip()

    @property
    def links(self) -> list[str]:
        """Where its links lead, within the same place."""
        host = urlsplit(self.address).netloc
        found = [urljoin(self.address, one.attributes["href"]) for one in self.root.all("a")]
        return [one.partition("#")[0] for one in found if urlsplit(one).netloc == host]

    def link(self, words: str) -> str:
        """Where the link with these words leads."""
        found = [one for one in self.root.all("a") if " ".join(one.text.split()) == words]
        if not found:
            raise AssertionError(f"no link {words!r} on {self.address}")
        return urljoin(self.address, found[0].attributes["href"])

    def form(self, button: str) -> Node:
        """The form with a button of these words."""
        for form in self.root.all("form"):
            if any(one.text.strip() == button for one in form.all("button", type="submit")):
                return form
        raise AssertionError(f"no button {button!r} on {self.address}")

    def errors(self) -> dict[str, str]:
        """What is wrong, by field."""
        found = (one for one in self.root.all("p") if one.attributes.get("class") == "error")
        return {one.attributes["id"].removeprefix("e-"): one.text for one in found}


class Visitor:
    """One browser with its cookies. Addresses are below `/dashboard/<account>` if they begin with
    no slash.
    """

    def __init__(self, server: Server, account: str, secret: str | None) -> None:
        self.account = account
        self.client = plain.Client(base_url=server.address, timeout=30, follow_redirects=True)
        if secret is not None:
            self.client.cookies.set(COOKIE, secret)

    def at(self, where: str) -> str:
        return where if where.startswith(("/", "http")) else f"/dashboard/{self.account}/{where}"

    def ask(self, where: str, method: str = "GET", **more: Any) -> httpx2.Response:
        """A plain request; follows no redirect."""
        return self.client.request(method, self.at(where), follow_redirects=False, **more)

    def open(self, where: str, status: int = 200) -> Page:
        """A page, which must have that status."""
        page = Page(self.client.get(self.at(where)))
        if page.status != status:
            raise AssertionError(f"{page.address}: {page.status}\n{page.answer.text[:2000]}")
        return page

    def submit(self, page: Page, button: str, **fields: str | list[str]) -> Page:
        """Send the form that has this button, with what stands in it and these fields."""
        form = page.form(button)
        values = _standing(form) | fields
        where = urljoin(page.address, form.attributes.get("action", ""))
        if form.attributes.get("method", "get").lower() == "get":
            return Page(self.client.get(where, params=values))
        origin = "{0.scheme}://{0.netloc}".format(urlsplit(page.address))
        return Page(self.client.post(where, data=values, headers={"origin": origin}))


def _standing(form: Node) -> dict[str, Any]:
    """What a browser would send of it as it stands."""
    found: dict[str, list[str]] = {}
    for one in form.below():
        name = one.attributes.get("name")
        if not name or "disabled" in one.attributes or one.tag == "button":
            continue
        if one.tag == "select":
            options = one.all("option")
            chosen = [each for each in options if "selected" in each.attributes] or options[:1]
            found.setdefault(name, []).extend(each.attributes["value"] for each in chosen)
        elif one.tag == "textarea":
            found.setdefault(name, []).append(one.text.removeprefix("\n"))
        elif one.tag == "input":
            kind = one.attributes.get("type", "text")
            if kind not in {"checkbox", "radio"} or "checked" in one.attributes:
                found.setdefault(name, []).append(one.attributes.get("value", ""))
    return dict(found)
