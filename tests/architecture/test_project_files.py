"""The repository's own promises: pinned locks, no package source named, explained exceptions."""

import io
import os
import re
import subprocess
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LOCKS = sorted(ROOT.glob("requirements*.lock"))
LINES_MAX = 400
# Spelled in halves, so that this file does not name them either.
PACKAGE_HOSTS = [
    "pypi" + ".org",
    "pypi" + ".python.org",
    "python" + "hosted.org",
    "npm" + "js.org",
    "npm" + "js.com",
    "npm" + "mirror.com",
    "yarn" + "pkg.com",
]
DIRECTIVE = re.compile(
    r"noqa(:\s*[A-Z]+[0-9]+(,\s*[A-Z]+[0-9]+)*)?|type:\s*ignore(\[[a-z, -]*\])?", re.IGNORECASE
)


def project_files() -> list[Path]:
    """Every file that is, or could next be, under version control."""
    command = ["git", "-c", f"safe.directory={ROOT}", "ls-files", "-z"]
    options = ["--cached", "--others", "--exclude-standard"]
    listing = subprocess.run([*command, *options], cwd=ROOT, check=True, capture_output=True).stdout
    paths = [ROOT / os.fsdecode(name) for name in listing.split(b"\0") if name]
    return [path for path in paths if path.is_file()]


def comments(source: str) -> Iterator[tuple[int, str]]:
    """Line number and text of each comment; strings that look like comments do not count."""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


def unexplained(comment: str) -> bool:
    """Whether a comment silences a checker without a code, or without saying why in words."""
    directives = [match.group() for match in DIRECTIVE.finditer(comment)]
    if not directives:
        return False
    bare = any(text.lower() in {"noqa", "type: ignore"} for text in directives)
    reason = DIRECTIVE.sub("", comment)
    return bare or len(re.findall(r"[A-Za-z]{2,}", reason)) < 2


def requirements(lock: Path) -> dict[str, str]:
    """Pinned `name==version` → the rest of its entry, hashes included."""
    text = re.sub(r"(?m)^\s*#.*\n", "", lock.read_text()).replace("\\\n", " ")
    entries = [line.partition(" ") for line in text.splitlines() if line.strip()]
    return {pin: rest for pin, _, rest in entries}


@pytest.mark.parametrize(
    ("comment", "expected"),
    [
        ("# noqa", True),
        ("# noqa: S608", True),
        ("# type: ignore", True),
        ("# type: ignore[arg-type]", True),
        ("# type: ignore  because the stub is wrong", True),
        ("# noqa: S608 - the table's name is our own", False),
        ("# type: ignore[arg-type]  # the stub lacks this overload", False),
        ("# an ordinary comment", False),
    ],
)
def test_the_check_for_explanations_tells_them_apart(comment: str, *, expected: bool) -> None:
    assert unexplained(comment) is expected


def test_no_file_names_a_package_host() -> None:
    naming = [
        f"{path.relative_to(ROOT)}: {host}"
        for path in project_files()
        for host in PACKAGE_HOSTS
        if host.encode() in path.read_bytes()
    ]
    assert not naming


def test_there_is_one_kind_of_lock() -> None:
    assert "uv.lock" not in {path.name for path in [*project_files(), *ROOT.iterdir()]}
    assert {lock.name for lock in LOCKS} >= {"requirements.lock", "requirements-dev.lock"}


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_every_requirement_is_pinned_with_a_hash(lock: Path) -> None:
    entries = requirements(lock)
    assert entries
    loose = [
        pin for pin, rest in entries.items() if "==" not in pin or "--hash=sha256:" not in rest
    ]
    assert not loose


def test_development_runs_what_is_released() -> None:
    released = requirements(ROOT / "requirements.lock").keys()
    assert released <= requirements(ROOT / "requirements-dev.lock").keys()


def test_source_files_stay_short() -> None:
    lengths = {path: len(path.read_text().splitlines()) for path in (ROOT / "src").rglob("*.py")}
    assert lengths
    assert not {str(path): lines for path, lines in lengths.items() if lines > LINES_MAX}


def test_silenced_checks_say_why() -> None:
    silent = [
        f"{path.relative_to(ROOT)}:{line}: {comment}"
        for path in project_files()
        if path.suffix == ".py"
        for line, comment in comments(path.read_text())
        if unexplained(comment)
    ]
    assert not silent


def test_the_licence_is_mit() -> None:
    licence = (ROOT / "LICENSE").read_text()
    assert licence.startswith("MIT License")
    assert "The Gatepost authors" in licence


def test_the_merge_check_can_be_run() -> None:
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
