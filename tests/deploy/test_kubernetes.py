"""The manifests, built by kubectl and held against Kubernetes' own schemas."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped] # it has no types of its own

from tests.deploy import files

MOUNTABLE = {"secret", "emptyDir"}


def built(folder: Path, target: Path) -> Path:
    """What `kubectl apply -k` would send; fails as it would."""
    done = files.run("kubectl", "kustomize", folder)
    assert done.returncode == 0, done.stdout
    target.write_text(done.stdout)
    return target


def refused(file: Path) -> list[str]:
    """What Kubernetes would not take. A kind it does not know is only a warning to the tool."""
    said = files.run("kubernetes-validate", "--strict", file).stdout.splitlines()
    assert said
    return [line for line in said if not re.match(r"INFO .* passed for resource ", line)]


def test_kubernetes_accepts_what_is_built(tmp_path: Path) -> None:
    file = built(files.KUBERNETES, tmp_path / "built.yaml")
    assert not refused(file)
    kinds = [one["kind"] for one in yaml.safe_load_all(file.read_text())]
    assert sorted(kinds) == sorted(["ConfigMap", *(one["kind"] for one in files.manifests())])


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("api.yaml", "replicas: 2", "replicas: two"),
        ("worker.yaml", "livenessProbe:", "aliveProbe:"),
        ("migrate.yaml", "batch/v1", "batch/v0"),
        ("network.yaml", "podSelector: {}", "podSelectors: {}"),
    ],
)
def test_the_schemas_notice(file: str, old: str, new: str, tmp_path: Path) -> None:
    folder = files.copy_of(files.KUBERNETES, tmp_path)
    files.broken(folder / file, old, new)
    assert refused(built(folder, tmp_path / "built.yaml"))


@pytest.mark.parametrize(
    ("old", "new"), [("worker.yaml", "workers.yaml"), ("configMapGenerator:", "configGenerator:")]
)
def test_kubectl_notices(old: str, new: str, tmp_path: Path) -> None:
    folder = files.copy_of(files.KUBERNETES, tmp_path)
    files.broken(folder / "kustomization.yaml", old, new)
    assert files.run("kubectl", "kustomize", folder).returncode != 0


@pytest.mark.parametrize("name", [name for name, _ in files.pods()])
def test_pods_keep_to_the_restricted_profile(name: str) -> None:
    pod = dict(files.pods())[name]["spec"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False
    for container in pod["containers"]:
        context = container["securityContext"]
        assert context["allowPrivilegeEscalation"] is False
        assert context["readOnlyRootFilesystem"] is True
        assert context["capabilities"] == {"drop": ["ALL"]}
        assert set(container["resources"]) == {"requests", "limits"}
    assert all(MOUNTABLE & set(volume) for volume in pod["volumes"])


@pytest.mark.parametrize("name", [name for name, _ in files.pods()])
def test_services_do_not_become_settings(name: str) -> None:
    """A Service called gatepost would otherwise set GATEPOST_PORT to an address."""
    assert dict(files.pods())[name]["spec"]["enableServiceLinks"] is False


def test_selectors_find_their_pods() -> None:
    labels = {name: pod["metadata"]["labels"] for name, pod in files.pods()}
    for name in ("gatepost-api", "gatepost-worker"):
        assert spec("Deployment", name)["selector"]["matchLabels"] == labels[name]
    assert spec("Service", "gatepost")["selector"] == labels["gatepost-api"]
    budget = spec("PodDisruptionBudget", "gatepost-api")
    assert budget["selector"]["matchLabels"] == labels["gatepost-api"]


def spec(kind: str, name: str) -> Any:
    found = [one for one in files.manifests() if one["kind"] == kind]
    return next(one["spec"] for one in found if one["metadata"]["name"] == name)


def test_no_secret_is_written_down() -> None:
    assert "Secret" not in {one["kind"] for one in files.manifests()}
    for _, pod in files.pods():
        names = [one["secret"]["secretName"] for one in pod["spec"]["volumes"] if "secret" in one]
        assert names == ["gatepost"]
