"""Templates, and how values are written in them. Nothing from outside is markup."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, tzinfo
from functools import cache
from importlib.resources import files
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape

from gatepost.dashboard import charts, static
from gatepost.web import text

KILO = 1000
MEGA_DIGITS = 10
BRIEF = 280
TAGS = {"moment": "%-d %b %Y, %H:%M:%S", "day": "%-d %b %Y", "time": "%H:%M:%S"}
"""How a moment is written: as a whole, its day alone, its time alone. The page's script knows the
same ones."""


class Templates(Environment):
    """Jinja2 where `a.b` of a mapping is its member `b`, never a method of it."""

    def getattr(self, obj: Any, attribute: str) -> Any:
        """A member of a mapping, an attribute of anything else."""
        if isinstance(obj, Mapping):
            return obj[attribute] if attribute in obj else self.undefined(obj=obj, name=attribute)
        return super().getattr(obj, attribute)


@cache
def templates() -> Templates:
    """The environment; a template is compiled when it is first rendered."""
    made = Templates(
        loader=FileSystemLoader(str(files("gatepost.dashboard") / "templates")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.filters |= {
        "shown": shown,
        "brief": brief,
        "number": number,
        "size": size,
        "words": words,
        "pretty": pretty,
        "moment": moment,
        "kind": kind,
    }
    made.globals["asset"] = static.address
    made.globals["charts"] = charts
    return made


def render(name: str, context: Mapping[str, Any]) -> str:
    """Write a page."""
    return templates().get_template(name).render(context)


def shown(value: Any) -> Markup:
    """Text from outside: set apart from the direction of what is around it, with a sign in the
    place of what would not be seen.
    """
    return Markup("<bdi>{}</bdi>").format(text.shown(str(value)))


def brief(value: str) -> str:
    """The beginning of a long text, for lists."""
    return value if len(value) <= BRIEF else value[:BRIEF] + "\u2026"


def number(value: float) -> str:
    """A number whose thousands are set apart by narrow spaces: 12 345."""
    return f"{value:,}".replace(",", "\u202f")


def size(count: int) -> str:
    """A number of bytes for people: 1.2 MB."""
    amount, unit = float(count), "bytes"
    for unit in ("bytes", "kB", "MB", "GB", "TB"):
        if amount < KILO:
            break
        amount /= KILO if unit != "TB" else 1
    shown_ = f"{amount:.1f}" if unit != "bytes" and amount < MEGA_DIGITS else f"{amount:.0f}"
    return f"{shown_}\u00a0{unit}"


def words(name: str) -> str:
    """A name of the API's for people: `rate_limited` → Rate limited."""
    spaced = name.replace("_", " ").replace(".", " ").replace("-", " ")
    return spaced[:1].upper() + spaced[1:]


def pretty(value: Any) -> str:
    """JSON for people, with a sign in the place of what would not be seen."""
    return text.shown(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def kind(value: Any) -> str:
    """What a JSON value is, in a word."""
    names: tuple[tuple[Any, str], ...] = (
        (bool, "yes or no"),
        (str, "text"),
        (int | float, "number"),
        (Mapping, "object"),
        (list, "list"),
    )
    return next((name for type_, name in names if isinstance(value, type_)), "nothing")


@pass_context
def moment(context: Context, iso: str | None, form: str = "moment") -> Markup:
    """A moment of the API's (ISO 8601) in the viewer's zone. `form` is one of TAGS."""
    if iso is None:
        return Markup('<span class="none">\u2013</span>')
    at = datetime.fromisoformat(iso)
    local = at.astimezone(context["zone"])
    return Markup('<time datetime="{}" data-form="{}" title="{}">{}</time>').format(
        iso,
        form,
        f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}"[:-3] + " UTC",
        f"{local:{TAGS[form]}}",
    )


def zone_of(name: str) -> tzinfo:
    """The zone of that name; UTC for one that is not known."""
    try:
        return ZoneInfo(name) if name else UTC
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


def day_of(iso: str, zone: tzinfo) -> date:
    """The day of a moment as the viewer's calendar has it."""
    return datetime.fromisoformat(iso).astimezone(zone).date()


Writer = Callable[..., str]
__all__ = ["Templates", "day_of", "escape", "moment", "render", "shown", "templates", "zone_of"]
