"""The services that a chat's URL can name: what apprise itself has under these names, and what of
it can open connections.
"""

import ast
from importlib import import_module
from pathlib import Path
from typing import Any

import apprise
import pytest

from gatepost.engine.compose.chatservices import FILES, NATIVE, NATIVE_ENDS, PLAIN, SERVICES

PLUGINS = Path(apprise.__file__).parent / "plugins"
MODULES = sorted({(one.module, one.name) for one in SERVICES.values()})
CONNECTS = {
    "aiohttp",
    "asyncio",
    "ctypes",
    "dbus",
    "ftplib",
    "gi",
    "gntp",
    "http",
    "httpx",
    "multiprocessing",
    "paho",
    "pika",
    "select",
    "selectors",
    "serial",
    "slixmpp",
    "smpplib",
    "smtplib",
    "socket",
    "socketserver",
    "ssl",
    "subprocess",
    "syslog",
    "urllib3",
    "websocket",
    "websockets",
}
OWN = {"http", "socket", "pgp", "wkd", "pem"}
"""Modules of `apprise.utils` that connect by themselves, or read keys from files."""
FREE = {"pushme", "sfr"}
"""Schemes that do not say so, and are spoken to with encryption all the same."""
HARMLESS = {"is_secure_http_url", "read_bounded_response"}


def kind(module: str, name: str) -> Any:
    return getattr(import_module(f"apprise.plugins.{module}"), name)


def imports(module: str) -> set[str]:
    """Names of all that a plugin imports: of apprise's own, `utils.x` as `.x`."""
    place = PLUGINS / module
    files = sorted(place.rglob("*.py")) if place.is_dir() else [place.with_suffix(".py")]
    found = set()
    for node in (node for file in files for node in ast.walk(ast.parse(file.read_text()))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add(str(node.module).split(".")[0])
        elif isinstance(node, ast.ImportFrom) and str(node.module).startswith("utils."):
            if {alias.name for alias in node.names} - HARMLESS:
                found.add(f".{str(node.module).removeprefix('utils.')}")
        elif isinstance(node, ast.ImportFrom) and node.level == 1 and not place.is_dir():
            names = [str(node.module)] if node.module else [alias.name for alias in node.names]
            for name in set(names) - {"base"}:
                found |= imports(name.split(".")[0])
    return found


@pytest.mark.parametrize(("module", "name"), MODULES)
def test_a_service_connects_through_requests_alone(module: str, name: str) -> None:
    found = imports(module)
    assert "requests" in found
    assert found.isdisjoint(CONNECTS | {f".{one}" for one in OWN})


@pytest.mark.parametrize(("module", "name"), MODULES)
def test_a_service_is_what_apprise_has_under_its_schemes(module: str, name: str) -> None:
    found = kind(module, name)
    mine = {scheme for scheme, one in SERVICES.items() if (one.module, one.name) == (module, name)}
    assert mine <= set(_all(found.protocol) + _all(found.secure_protocol))
    assert mine & PLAIN <= set(_all(found.protocol))
    assert mine & set(_all(found.protocol)) <= PLAIN | FREE, "spoken to without encryption"


@pytest.mark.parametrize(("module", "name"), MODULES)
def test_what_is_shown_of_a_url_is_always_a_host(module: str, name: str) -> None:
    if SERVICES[next(s for s, one in SERVICES.items() if one.module == module)].hosted:
        assert all("{host}" in one for one in kind(module, name).templates)


def test_urls_that_name_a_file_are_known() -> None:
    reading = {
        module
        for module, _ in MODULES
        if "AppriseAttachment(asset" in _source(module) and '"template"' in _source(module)
    }
    assert reading == {SERVICES[scheme].module for scheme in FILES} - {"guilded"}


def test_hosts_of_native_urls_name_services() -> None:
    assert {*NATIVE.values(), *NATIVE_ENDS.values()} <= set(SERVICES)


def _source(module: str) -> str:
    place = PLUGINS / module
    return "" if place.is_dir() else place.with_suffix(".py").read_text()


def _all(schemes: Any) -> list[str]:
    if not schemes:
        return []
    return [schemes] if isinstance(schemes, str) else list(schemes)
