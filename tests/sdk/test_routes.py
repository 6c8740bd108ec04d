"""Which template a path belongs to, in apps as Starlette knows them."""

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Host, Mount, Route, Router

from gatepost_client import path_template
from gatepost_client.asgi import App, Receive, Scope, Send


async def answer(_request: Request) -> PlainTextResponse:
    return PlainTextResponse("x")


async def anything(_scope: Scope, _receive: Receive, _send: Send) -> None:
    raise NotImplementedError


APP = Starlette(
    routes=[
        Route("/", answer),
        Route("/orders/{id:int}", answer, methods=["GET"]),
        Route("/orders/{id:int}", answer, methods=["DELETE"]),
        Route("/orders/new", answer),
        Mount("/shops/{shop}", routes=[Route("/shelves/{id}", answer), Route("/", answer)]),
        Mount("/files", app=anything),
        Mount("/inner", app=Starlette(routes=[Route("/{name}", answer)])),
        Host("api.example.com", app=Router(routes=[Route("/only/{here}", answer)])),
        Route("/" + "a" * 300, answer),
    ]
)


def scope(path: str, method: str = "GET", **more: object) -> Scope:
    host = b"api.example.com" if path.startswith("/only") else b"example.com"
    headers = [(b"host", host)]
    return {"type": "http", "method": method, "path": path, "headers": headers, **more}


@pytest.mark.parametrize(
    ("path", "template"),
    [
        ("/", "/"),
        ("/orders/7", "/orders/{id:int}"),
        ("/orders/new", "/orders/new"),
        ("/shops/7/shelves/8", "/shops/{shop}/shelves/{id}"),
        ("/shops/7/", "/shops/{shop}/"),
        ("/shops/7/elsewhere", None),
        ("/files/a/b/c", "/files"),
        ("/inner/x", "/inner/{name}"),
        ("/only/x", "/only/{here}"),
        ("/nowhere", None),
        ("/" + "a" * 300, "/" + "a" * 199),
    ],
)
def test_a_path_is_named_by_its_template(path: str, template: str | None) -> None:
    assert path_template(scope(path, app=APP)) == template
    assert path_template(scope(path), APP) == template


@pytest.mark.parametrize("method", ["GET", "DELETE", "PATCH"])
def test_another_method_is_of_the_same_route(method: str) -> None:
    assert path_template(scope("/orders/7", method, app=APP)) == "/orders/{id:int}"


def test_below_a_root_path_and_within_a_mount_it_is_the_same() -> None:
    below = scope("/v2/orders/7", app=APP, root_path="/v2")
    assert path_template(below) == "/orders/{id:int}"
    within = scope("/v2/shops/7/shelves/8", app=APP, root_path="/v2/shops/7", app_root_path="/v2")
    assert path_template(within) == "/shops/{shop}/shelves/{id}"


def test_an_app_without_routes_has_no_templates() -> None:
    assert path_template(scope("/orders/7")) is None
    unknown: App = anything
    assert path_template(scope("/orders/7"), unknown) is None
