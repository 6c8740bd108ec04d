"""The compose file: against the published schema, and what no schema can say."""

import re
from pathlib import Path

import pytest

from tests.deploy import files

SCHEMA = ("--builtin-schema", "vendor.compose-spec")


def test_it_follows_the_schema() -> None:
    done = files.run("check-jsonschema", *SCHEMA, files.COMPOSE)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("    restart: unless-stopped", "    restarts: unless-stopped"),
        ("condition: service_healthy", "condition: healthy"),
        ("read_only: true", "read_only: [true]"),
    ],
)
def test_the_schema_notices(old: str, new: str, tmp_path: Path) -> None:
    copy = files.broken(files.copy_of(files.COMPOSE, tmp_path), old, new)
    done = files.run("check-jsonschema", *SCHEMA, copy)
    assert done.returncode == 1
    assert "Schema validation errors" in done.stdout


def test_everything_named_is_there() -> None:
    whole = files.compose()
    for service in whole["services"].values():
        assert set(service["networks"]) <= set(whole["networks"])
        assert set(service.get("secrets", ())) <= set(whole["secrets"])
        assert set(service.get("depends_on", ())) <= set(whole["services"])
        sources = {volume.partition(":")[0] for volume in service.get("volumes", ())}
        assert {one for one in sources if "/" not in one} <= set(whole["volumes"])


def test_the_proxy_alone_can_be_reached() -> None:
    whole = files.compose()
    assert [name for name, one in whole["services"].items() if "ports" in one] == ["proxy"]
    inner = {name for name, one in whole["networks"].items() if (one or {}).get("internal")}
    assert all(set(one["networks"]) <= inner for one in files.ours().values())


def test_the_proxy_asks_every_api_process_and_is_believed() -> None:
    apis = {name for name, one in files.ours().items() if "serve" in one["command"]}
    upstreams = re.search(r"reverse_proxy (.*) {", files.CADDYFILE.read_text())
    assert upstreams is not None
    assert set(upstreams[1].split()) == {f"{name}:8080" for name in apis}
    subnets = {one["subnet"] for one in files.compose()["networks"]["front"]["ipam"]["config"]}
    for name in apis:
        assert {files.ours()[name]["environment"]["GATEPOST_TRUSTED_PROXIES"]} == subnets


def test_our_processes_can_do_little() -> None:
    for service in files.ours().values():
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert "no-new-privileges:true" in service["security_opt"]
        assert "privileged" not in service


def test_all_wait_for_the_migration_and_it_for_the_database() -> None:
    services = files.ours()
    waiting = {name: one["depends_on"] for name, one in services.items()}
    assert waiting.pop("migrate")["postgres"] == {"condition": "service_healthy"}
    assert len(waiting) == 3
    for one in waiting.values():
        assert one["migrate"] == {"condition": "service_completed_successfully"}


def test_whatever_goes_on_is_watched_and_restarted() -> None:
    """Our own image brings its health check."""
    assert "HEALTHCHECK" in files.CONTAINERFILE.read_text()
    for name, one in files.compose()["services"].items():
        assert "healthcheck" in one or name in files.ours()
        assert one["restart"] == ("on-failure" if name == "migrate" else "unless-stopped")
