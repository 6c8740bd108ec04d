"""The deployment files say what the program understands: its settings, its commands, its times."""

import json
import re
import shlex
from collections.abc import Iterator

import pytest

from gatepost.base.config import FIELDS, PREFIX
from gatepost.cli.serve import DRAIN_S
from tests.deploy import files

VARIABLE = re.compile(rf"\b{PREFIX}([A-Z_]*[A-Z])\b")
SETTINGS = {name.upper() for name in FIELDS}
ROLES = {("serve",), ("serve", "--no-workers"), ("worker",), ("migrate",)}


def called() -> Iterator[tuple[str, ...]]:
    """Every command line the files give the program."""
    for service in files.ours().values():
        yield tuple(service["command"])
    for _, pod in files.pods():
        for container in pod["spec"]["containers"]:
            yield tuple(container["args"])
    for unit in files.units():
        for line in files.unit_values(unit, "ExecStart"):
            yield tuple(shlex.split(line)[1:])
    yield tuple(json.loads(instruction("CMD")))


def instruction(name: str) -> str:
    """The last instruction of this name in the Containerfile, continued lines included."""
    text = files.CONTAINERFILE.read_text().replace("\\\n", " ")
    found: list[str] = re.findall(rf"^{name}\s+(.*)$", text, re.MULTILINE)
    return found[-1]


def understood(command: tuple[str, ...]) -> bool:
    """Whether the program has the command, and the command its options."""
    name, *options = command
    done = files.run("gatepost", name, "--help", COLUMNS="100")
    return done.returncode == 0 and all(option in done.stdout for option in options)


def test_every_variable_is_a_setting() -> None:
    named = {
        (path.name, name)
        for path, text in files.variables().items()
        for name in VARIABLE.findall(text)
    }
    assert named
    wrong = [one for one in named if one[1] not in SETTINGS]
    assert not [one for one in wrong if one[1].removesuffix("_FILE") not in SETTINGS]


def test_every_role_is_there() -> None:
    assert set(called()) == ROLES


@pytest.mark.parametrize("command", sorted(ROLES), ids=" ".join)
def test_every_command_exists(command: tuple[str, ...]) -> None:
    assert understood(command)


@pytest.mark.parametrize("command", [("serv",), ("serve", "--no-worker-at-all")], ids=" ".join)
def test_a_wrong_command_is_noticed(command: tuple[str, ...]) -> None:
    assert not understood(command)


def test_everybody_waits_longer_than_the_drain() -> None:
    units = [files.SYSTEMD / "gatepost.service", files.SYSTEMD / "gatepost-.service.d/common.conf"]
    waits = [int(files.unit_values(unit, "TimeoutStopSec")[0]) for unit in units]
    waits += [int(one["stop_grace_period"].removesuffix("s")) for one in files.ours().values()]
    for _, pod in files.pods():
        (container,) = pod["spec"]["containers"]
        before = container.get("lifecycle", {}).get("preStop", {}).get("sleep", {})
        grace = pod["spec"].get("terminationGracePeriodSeconds", 30)
        waits.append(grace - before.get("seconds", 0))
    assert len(waits) >= 9
    assert min(waits) > DRAIN_S


def test_there_is_one_user() -> None:
    user, _, group = instruction("USER").partition(":")
    assert user == group
    assert int(user) > 0
    for _, pod in files.pods():
        context = pod["spec"]["securityContext"]
        assert {context[name] for name in ("runAsUser", "runAsGroup", "fsGroup")} == {int(user)}


def test_secrets_are_read_where_they_are_put() -> None:
    """A `*_FILE` setting names a file that the same place mounts."""
    for service in files.ours().values():
        given = service["environment"]
        paths = {path for name, path in given.items() if name.endswith("_FILE")}
        assert paths == {f"/run/secrets/{name}" for name in service["secrets"]}
    for _, pod in files.pods():
        (container,) = pod["spec"]["containers"]
        paths = {one["value"] for one in container["env"] if one["name"].endswith("_FILE")}
        mounts = {one["name"]: one["mountPath"] for one in container["volumeMounts"]}
        assert {path.rpartition("/")[0] for path in paths} == {mounts["secrets"]}
    common = files.SYSTEMD / "gatepost-.service.d/common.conf"
    loaded = {one.partition(":")[0] for one in files.unit_values(common, "LoadCredential")}
    read = re.findall(r"_FILE=%d/(\w+)", common.read_text())
    assert loaded == set(read)
