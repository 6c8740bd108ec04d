"""Who visits, in which account and project, and how they like it: read from the request."""

from __future__ import annotations

from datetime import tzinfo
from urllib.parse import quote, urlencode

import msgspec
from starlette.requests import Request

from gatepost.base import ids
from gatepost.base.errors import AppError
from gatepost.base.ids import AccountId
from gatepost.dashboard.render import zone_of

COOKIE = "gatepost_session"
THEME_COOKIE = "gatepost_theme"
ZONE_COOKIE = "gatepost_zone"
SIGN_IN = "/dashboard/sign-in"
HOME = "/dashboard"
THEMES = frozenset({"light", "dark"})


class Named(msgspec.Struct, frozen=True):
    """An account or a project of the visitor's; of an account also the role there."""

    id: str
    name: str
    role: str = ""


class Taste(msgspec.Struct, frozen=True):
    """How the visitor likes pages: the theme ("" is the system's), the zone of clocks."""

    theme: str
    zone: tzinfo


def taste(request: Request) -> Taste:
    """Read the cookies of the theme switch and of the script that knows the zone."""
    theme = request.cookies.get(THEME_COOKIE, "")
    zone = zone_of(request.cookies.get(ZONE_COOKIE, ""))
    return Taste(theme if theme in THEMES else "", zone)


def account_of(text: str) -> AccountId | None:
    """The account of a path; None for what is no account's id."""
    try:
        return AccountId(ids.parse("account", text))
    except AppError:
        return None


def sign_in(request: Request) -> str:
    """Where to sign in, with the way back for a page that was asked for."""
    if request.method not in {"GET", "HEAD"}:
        return SIGN_IN
    raw = request.scope["raw_path"].decode("latin-1")
    query = request.scope["query_string"].decode("latin-1")
    wanted = f"{raw}?{query}" if query else raw
    return SIGN_IN if wanted.rstrip("/") == HOME else f"{SIGN_IN}?{urlencode({'next': wanted})}"


def safe_next(text: str) -> str:
    """Where to go after signing in: a page of the dashboard, whatever a link says."""
    tame = text.isascii() and text.isprintable() and "\\" not in text
    inside = text == HOME or text.startswith((f"{HOME}/", f"{HOME}?"))
    return text if tame and inside and "/../" not in text else HOME


def quoted(text: str) -> str:
    """A text as a value of a query."""
    return quote(text, safe="")


def path(*segments: str) -> str:
    """A path below `/dashboard` of plain segments."""
    return "/".join([HOME, *(quote(one, safe="") for one in segments)])
