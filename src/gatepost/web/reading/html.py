"""HTML that cannot forget to escape: plain strings are text, only `Html` is markup."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable

_VOID = frozenset({"link", "meta", "input"})
_INLINE = re.compile(r"`([^`]+)`|\*\*([^*]+)\*\*")


class Html(str):
    """Markup that is safe as it is."""

    __slots__ = ()


def element(name: str, *children: str | Html | None, **attributes: str | None) -> Html:
    """Make an element. Children and attributes that are None are left out; a trailing
    underscore keeps an attribute's name from being a Python word.
    """
    shown = "".join(
        f' {key.removesuffix("_").replace("_", "-")}="{html.escape(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in _VOID:
        return Html(f"<{name}{shown}>")
    return Html(f"<{name}{shown}>{join(children)}</{name}>")


def join(children: Iterable[str | Html | None]) -> Html:
    """Put children one after the other, text escaped."""
    return Html(
        "".join(
            child if isinstance(child, Html) else html.escape(child, quote=False)
            for child in children
            if child is not None
        )
    )


def inline(text: str) -> Html:
    """Text with `code` and **bold** in it."""
    parts: list[Html] = []
    end = 0
    for match in _INLINE.finditer(text):
        parts.append(join([text[end : match.start()]]))
        code, bold = match.groups()
        parts.append(element("code", code) if code else element("strong", bold))
        end = match.end()
    return join([*parts, text[end:]])


def paragraphs(text: str) -> Html:
    """Text whose paragraphs are set apart by empty lines."""
    return join(element("p", inline(one)) for one in re.split(r"\n\s*\n", text.strip()) if one)


def table(heads: Iterable[str], rows: Iterable[Html]) -> Html:
    """A table of ready rows that scrolls on its own where the screen is narrow."""
    head = element("tr", *(element("th", name, scope="col") for name in heads))
    inner = element("table", element("thead", head), element("tbody", *rows))
    return element("div", inner, class_="table", tabindex="0")


def row(*cells: str | Html, anchor: str | None = None) -> Html:
    """A row of a table, which a link may lead to."""
    return element("tr", *(element("td", cell) for cell in cells), id=anchor)
