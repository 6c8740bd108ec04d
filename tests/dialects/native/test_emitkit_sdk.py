"""The published npm package @emitkit/js 2.1.0, unmodified, against the running server.

The checks are the JavaScript files in `emitkit_js/`; each is reported here as a test of its own.
"""

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.server import Server, Tenant

FOLDER = Path(__file__).parent / "emitkit_js"
PACKAGE = FOLDER / "node_modules" / "@emitkit" / "js"
PUBLISHED = "92094583bf313758ef71fbf96174af23bec5bcd8af68ee3cfcec2aa0a5f3e588"
"""SHA-256 of dist/index.mjs in the published 2.1.0."""

CHECKS = [
    "create: only the required fields",
    "create: the documented defaults",
    "create: description",
    "create: icon",
    "create: icon of a family of four, 11 units",
    "create: icon of a kiss with skin tones, 15 units",
    "create: tags",
    "create: metadata",
    "create: metadata of 16 KB",
    "create: userId",
    "create: userId null",
    "create: notify true",
    "create: notify false",
    "create: source",
    "create: displayAs message",
    "create: displayAs notification",
    "create: all fields together",
    "create: undefined members vanish",
    "idempotency: the second create is a replay",
    "idempotency: parallel creates with one key make one event",
    "channels: parallel creates on a new channel make one channel",
    "identify: answers what is stored",
    "identify: properties are replaced",
    "identify: an alias in an event becomes the canonical user",
    "identify: an alias of another user fails",
    "identify: the own user id as an alias succeeds",
    "errors: a missing channel is a ValidationError with path arrays",
    "errors: several problems come together, in field order",
    "errors: identify without a user is a ValidationError",
    "errors: a wrong key is an EmitKitError 401",
    "errors: another body under a used idempotency key is an EmitKitError 409",
    "baseUrl: http://h",
    "baseUrl: http://h/",
    "baseUrl: http://h/api",
    "baseUrl: http://h/api/",
]
LIMIT_CHECKS = [
    "limits: the default is 100 and counts down",
    "limits: the 101st request in a window is a RateLimitError",
]
"""These spend a limit, so each gets a key of its own."""


@pytest.fixture(scope="session")
def node() -> str:
    """Where node is; without it, or without the package, the tests fail with what to do."""
    found = shutil.which("node")
    assert found, "these tests need node on PATH"
    assert PACKAGE.is_dir(), f"the package is not installed: npm ci --prefix {FOLDER}"
    return found


def run_script(node: str, *args: str, context: object = None) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [node, "run.mjs", *args],
        cwd=FOLDER,
        env=os.environ | {"CHECK_CONTEXT": json.dumps(context)},
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )


def run_check(node: str, check: str, server: Server, key: str) -> None:
    done = run_script(node, check, context={"address": server.address, "key": key})
    assert done.stdout, f"{check}: no result\n{done.stderr}"
    result = json.loads(done.stdout)
    assert result["check"] == check
    assert result["ok"], f"{check}\n{result['message']}"
    assert done.returncode == 0, done.stderr


def test_the_package_is_the_published_one(node: str) -> None:
    manifest = json.loads((PACKAGE / "package.json").read_text())
    assert (manifest["name"], manifest["version"]) == ("@emitkit/js", "2.1.0")
    code = (PACKAGE / "dist" / "index.mjs").read_bytes()
    assert hashlib.sha256(code).hexdigest() == PUBLISHED


def test_every_check_is_run(node: str) -> None:
    listed = [json.loads(line) for line in run_script(node).stdout.splitlines()]
    assert sorted(listed) == sorted(CHECKS + LIMIT_CHECKS)


def test_a_failing_check_is_reported(node: str) -> None:
    """The bridge itself: nobody listens at this address, so the check must fail and say why."""
    nowhere = {"address": "http://127.0.0.1:1", "key": "emitkit_none"}
    done = run_script(node, "create: icon", context=nowhere)
    result = json.loads(done.stdout)
    assert (done.returncode, result["ok"]) == (1, False)
    assert "Network error" in result["message"]


@pytest.mark.parametrize("check", CHECKS)
def test_emitkit_js(check: str, node: str, server: Server, tenant: Tenant) -> None:
    run_check(node, check, server, tenant.key.secret)


@pytest.mark.parametrize("check", LIMIT_CHECKS)
def test_emitkit_js_limits(
    check: str, node: str, server: Server, make_tenant: Callable[..., Tenant]
) -> None:
    """With nothing said, an account and a key get the documented 100 requests per minute."""
    run_check(node, check, server, make_tenant(plan=None, limit=None).key.secret)
