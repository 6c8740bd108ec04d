"""Which route of an app a request is for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from gatepost_client.asgi import App, Scope

ROUTE_MAX = 200


def path_template(scope: Scope, app: App | None = None) -> str | None:
    """The template of the route that will answer, `/orders/{id}`; None where none is known.

    Asks the routes of the Starlette or FastAPI app in the scope, else those of `app`. Never gives
    the path itself: there are as many of those as clients like.
    """
    routes = getattr(scope.get("app") or app, "routes", None)
    if not routes:
        return None
    outside = scope.get("app_root_path", scope.get("root_path", ""))
    found = _search(routes, scope) or _search(routes, {**scope, "root_path": outside})
    return found[:ROUTE_MAX] if found else None


def _search(routes: Iterable[Any], scope: Scope) -> str | None:
    """The template of the first route that matches wholly, else of the first that does in part."""
    partial: str | None = None
    for route in _flat(routes):
        match, inner = route.matches(scope)
        if match.name == "NONE":
            continue
        template = _template(route, {**scope, **inner})
        if match.name == "FULL":
            return template
        partial = partial or template
    return partial


def _flat(routes: Iterable[Any]) -> Iterator[Any]:
    """Routes, with those of the routers that a FastAPI app includes in their place."""
    for route in routes:
        included = getattr(route, "effective_route_contexts", None)
        if included is None:
            yield route
        else:
            yield from included()


def _template(route: Any, scope: Scope) -> str | None:
    place = getattr(route, "starlette_route", None) or route
    own: str = getattr(place, "path", "")
    below = getattr(place, "routes", None)
    if not below:
        return own or None
    rest = _search(below, scope)
    return None if rest is None else own + rest
