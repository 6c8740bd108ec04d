"""The deployment files as the tools see them, and copies with one thing broken."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped] # it has no types of its own

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
CONTAINERFILE = DEPLOY / "Containerfile"
COMPOSE = DEPLOY / "compose.yaml"
CADDYFILE = DEPLOY / "Caddyfile"
SYSTEMD = DEPLOY / "systemd"
KUBERNETES = DEPLOY / "kubernetes"
PODS = {"Deployment", "Job"}
TOOL_S = 60


def run(tool: str, *args: str | Path, **env: str) -> subprocess.CompletedProcess[str]:
    """Run a tool, the environment's own before the system's; what it says is in `stdout`."""
    own = Path(sys.executable).with_name(tool)
    found = str(own) if own.exists() else shutil.which(tool)
    assert found, f"{tool} is missing"
    path = f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
    return subprocess.run(
        [found, *args],
        env={"PATH": path, "HOME": "/nonexistent"} | env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=TOOL_S,
        check=False,
    )


def broken(copy: Path, old: str, new: str) -> Path:
    """Change one place of a copy."""
    text = copy.read_text()
    assert text.count(old) >= 1, f"{copy.name} has no {old!r} to break"
    copy.write_text(text.replace(old, new, 1))
    return copy


def copy_of(path: Path, folder: Path) -> Path:
    """A file or a folder, copied into another folder."""
    copy = folder / path.name
    return Path(shutil.copytree(path, copy) if path.is_dir() else shutil.copy(path, copy))


def compose() -> dict[str, Any]:
    return dict(yaml.safe_load(COMPOSE.read_text()))


def manifests() -> list[dict[str, Any]]:
    """Every Kubernetes object, as written."""
    files = sorted(set(KUBERNETES.glob("*.yaml")) - {KUBERNETES / "kustomization.yaml"})
    return [one for file in files for one in yaml.safe_load_all(file.read_text())]


def pods() -> Iterator[tuple[str, dict[str, Any]]]:
    """Name and pod template of everything that runs."""
    for one in manifests():
        if one["kind"] in PODS:
            yield one["metadata"]["name"], one["spec"]["template"]


def ours() -> dict[str, dict[str, Any]]:
    """The services of the compose file that run our image."""
    services: dict[str, dict[str, Any]] = compose()["services"]
    return {name: one for name, one in services.items() if one["image"] == "gatepost"}


def units() -> list[Path]:
    return sorted(SYSTEMD.glob("*.service"))


def unit_values(file: Path, name: str) -> list[str]:
    """Every value a unit file gives a directive."""
    lines = [line.partition("=") for line in file.read_text().splitlines()]
    return [value for key, _, value in lines if key == name]


def variables() -> dict[Path, str]:
    """Every file with the text that may name settings."""
    files = [path for path in DEPLOY.rglob("*") if path.is_file() and "secrets" not in path.parts]
    return {path: path.read_text() for path in files}
