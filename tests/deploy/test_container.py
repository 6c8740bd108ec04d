"""The container file, as hadolint sees it."""

import re
from pathlib import Path

import pytest

from tests.deploy import files


def test_hadolint_finds_nothing() -> None:
    done = files.run("hadolint", "--failure-threshold=info", files.CONTAINERFILE)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("old", "new", "finding"),
    [
        ("FROM python:3.13-slim-trixie\n", "FROM python\n", "DL3006"),
        ('ENTRYPOINT ["gatepost"]', "ENTRYPOINT gatepost", "DL3025"),
        ("USER 10001:10001", "USER root", "DL3002"),
        ("WORKDIR /src", "WORKDIRS /src", "missing whitespace"),
    ],
)
def test_hadolint_notices(old: str, new: str, finding: str, tmp_path: Path) -> None:
    copy = files.broken(files.copy_of(files.CONTAINERFILE, tmp_path), old, new)
    done = files.run("hadolint", "--failure-threshold=info", copy)
    assert done.returncode != 0
    assert finding in done.stdout


def test_the_image_is_made_of_what_the_locks_name() -> None:
    installs = re.findall(r"pip (?:--\S+ )?install (.*)", files.CONTAINERFILE.read_text())
    assert len(installs) == 3
    for options in installs:
        assert "--require-hashes" in options or "--no-index" in options


def test_nothing_is_installed_in_the_last_stage() -> None:
    last = files.CONTAINERFILE.read_text().rpartition("\nFROM ")[2]
    assert not re.findall(r"apt-get|\bpip\b", last)
    assert last.rstrip().endswith('ENTRYPOINT ["gatepost"]\nCMD ["serve"]')


def test_the_build_sees_only_what_it_copies() -> None:
    """The ignore file shuts everything out but the sources of `COPY`."""
    lines = (files.ROOT / ".dockerignore").read_text().splitlines()
    rules = [line for line in lines if not line.startswith("#")]
    copies = re.findall(r"^COPY (?!--from)(.*) \S+$", files.CONTAINERFILE.read_text(), re.MULTILINE)
    assert rules[0] == "*"
    assert {rule[1:] for rule in rules if rule.startswith("!")} == set(" ".join(copies).split())
