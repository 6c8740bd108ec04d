"""The units, as systemd itself reads them."""

from pathlib import Path

import pytest

from tests.deploy import files

UNITS = [
    "gatepost.service",
    "gatepost-migrate.service",
    "gatepost-api@8081.service",
    "gatepost-worker@8091.service",
]
PROGRAM = "/opt/gatepost/.venv/bin/gatepost"
COMMON = "gatepost-.service.d/common.conf"
EXPOSURE_MAX = "15"
"""Tenths, of 100: what is left is that the service talks to a network."""


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """The units in a folder of their own, starting a program that is here."""
    folder = files.copy_of(files.SYSTEMD, tmp_path)
    for unit in folder.glob("*.service"):
        unit.write_text(unit.read_text().replace(PROGRAM, "/bin/true"))
    return folder


def verify(folder: Path, unit: str) -> tuple[int, str]:
    done = files.run("systemd-analyze", "verify", "--man=no", folder / unit, **seen(folder))
    return done.returncode, done.stdout


def exposure(folder: Path, unit: str) -> int:
    """0 when the unit is hardened enough."""
    options = ["--offline=yes", f"--threshold={EXPOSURE_MAX}", "--no-pager"]
    done = files.run("systemd-analyze", "security", *options, folder / unit, **seen(folder))
    assert "Overall exposure level" in done.stdout, done.stdout
    return done.returncode


def seen(folder: Path) -> dict[str, str]:
    """Where units are looked for; the colon at the end adds the system's own."""
    return {"SYSTEMD_UNIT_PATH": f"{folder}:"}


def test_no_unit_is_left_out() -> None:
    plain = {unit.partition("@")[0].removesuffix(".service") for unit in UNITS}
    assert {unit.name.removesuffix(".service").removesuffix("@") for unit in files.units()} == plain


@pytest.mark.parametrize("unit", UNITS)
def test_systemd_understands_it(unit: str, installed: Path) -> None:
    assert verify(installed, unit) == (0, "")


@pytest.mark.parametrize(
    ("unit", "file", "old", "new"),
    [
        ("gatepost.service", "gatepost.service", "Restart=always", "Restart=sometimes"),
        ("gatepost.service", "gatepost.service", "/bin/true", "/bin/not-there"),
        ("gatepost-api@8081.service", COMMON, "ProtectSystem", "ProtectSystems"),
        ("gatepost-worker@8091.service", COMMON, "RestrictRealtime=yes", "RestrictRealtime=soon"),
    ],
)
def test_systemd_notices(unit: str, file: str, old: str, new: str, installed: Path) -> None:
    files.broken(installed / file, old, new)
    code, said = verify(installed, unit)
    assert code != 0 or said


@pytest.mark.parametrize("unit", UNITS)
def test_it_is_hardened(unit: str, installed: Path) -> None:
    assert exposure(installed, unit) == 0


@pytest.mark.parametrize("unit", UNITS)
def test_missing_hardening_is_noticed(unit: str, installed: Path) -> None:
    file = unit if unit == "gatepost.service" else COMMON
    files.broken(installed / file, "ProtectSystem=strict", "ProtectSystem=no")
    files.broken(installed / file, "SystemCallFilter=@system-service\n", "")
    assert exposure(installed, unit) != 0


def test_both_ways_are_hardened_alike() -> None:
    alone, common = (hardening(files.SYSTEMD / name) for name in ("gatepost.service", COMMON))
    assert len(alone) > 20
    assert alone == common


def hardening(file: Path) -> list[str]:
    lines = file.read_text().partition("UMask=")[2].partition("\n[")[0].splitlines()
    return [line for line in lines if line]
