"""The documentation is true: its commands run, its links lead somewhere, nothing is left out."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from gatepost.base.config import FIELDS, PREFIX
from gatepost.base.errors import Code
from gatepost.domains.plans.model import PRESETS as PLANS
from gatepost.gate.scopes import PRESETS as SCOPES
from gatepost.gate.scopes import Scope
from tests.desk import Desk
from tests.docs import pages
from tests.ports import free_port
from tests.server import Server

ROOT = pages.ROOT
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md"), *(ROOT / "src").rglob("*.md")])
RUN = [
    ROOT / "README.md",
    *sorted((DOCS / "start").glob("*.md")),
    *sorted((DOCS / "guides").glob("*.md")),
]
BY_HAND = re.compile(
    r"make (run|test)|export KEY=|python3 -m pip|(GATEPOST_\w+=\S+ )?gatepost serve|#"
    r"|.*selftest durability$"
)
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
NAMED_TEST = re.compile(r"(tests/[\w./-]+\.py)::(\w+)")
NAMED_CALL = re.compile(r"\b(GET|POST|PUT|PATCH|DELETE) (/(?:api/)?v1/[\w/{}.-]*[\w}])")
NOT_THERE = re.compile(r"^\|[^|]*\| no \|.*$", re.MULTILINE)  # a row that says so
SMTP = f"{PREFIX}SUBMISSION_PORT"
VARIABLE = re.compile(rf"\b{PREFIX}([A-Z_]+[A-Z])\b")


def named(page: Path) -> str:
    return str(page.relative_to(ROOT))


def prose(page: Path) -> str:
    """A page without its fenced blocks."""
    return pages.FENCE.sub("", page.read_text())


def slugs(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    heads = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


# Commands


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Server]:
    """A first run in a folder of its own, where a page's commands find what they expect."""
    with Server(tmp_path / "gatepost-data", env={SMTP: str(free_port())}) as server:
        yield server


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """The program, for shells."""
    with Desk(tmp_path / "program") as made:
        yield made


def surroundings(server: Server, folder: Path, desk: Desk) -> dict[str, str]:
    """What a reader has: the program on the PATH, the first key in KEY, a port that is free."""
    tools = Path(sys.executable).parent
    (folder / ".venv").symlink_to(tools.parent)
    plain = {name: value for name, value in server.env.items() if not name.startswith(PREFIX)}
    mine = {"PATH": f"{desk.folder}:{tools}:{os.environ['PATH']}", f"{PREFIX}PORT": "0"}
    return plain | mine | {"KEY": str(server.first_run_key)}


@pytest.mark.parametrize("page", RUN, ids=named)
def test_commands(page: Path, running: Server, desk: Desk, tmp_path: Path) -> None:
    env, port = surroundings(running, tmp_path, desk), int(running.env[SMTP])
    done = pages.run(page, tmp_path, env, running.address, port)
    assert done
    for one in done:
        where = f"{named(page)}:{one.command.line}\n{one.command.text}\n{one.out}\n{one.err}"
        assert one.code == (1 if "fails" in one.command.marks else 0), where
        wrong = one.command.difference(one.out)
        assert wrong is None, f"{wrong}\n{where}"


@pytest.mark.parametrize("page", RUN, ids=named)
def test_what_is_left_to_the_reader_needs_a_reader(page: Path) -> None:
    left = [one for one in pages.commands(page.read_text()) if one.by_hand]
    wrong = [one.text for one in left if not BY_HAND.match(one.text)]
    assert not wrong


@pytest.mark.parametrize(
    ("language", "shown", "out"),
    [
        ("json", '{"a": 1}', '{"a": 2}'),
        ("json", '{"a": 1}', "{}"),
        ("json", '{"a": [1]}', '{"a": [1, 2]}'),
        ("json", '{"id": "event_…"}', '{"id": "key_1"}'),
        ("json", '{"a": 1}', '{"a": true}'),
        ("json", "{}", "<html>"),
        ("text", "one\ntwo", "two\none"),
        ("text", "a … c", "a b"),
    ],
)
def test_a_wrong_output_is_noticed(language: str, shown: str, out: str) -> None:
    assert pages.differs(language, shown, out) is not None


@pytest.mark.parametrize(
    ("language", "shown", "out"),
    [
        ("json", '{"a": "…", "b": [1, "…"]}', '{"a": null, "b": [1, 2, 3], "c": 4}'),
        ("json", '{"id": "event_…"}', '{"id": "event_1"}'),
        ("text", "one …\nthree", "zero\none 1\ntwo\nthree\n"),
    ],
)
def test_a_right_output_passes(language: str, shown: str, out: str) -> None:
    assert pages.differs(language, shown, out) is None


def test_the_readme_begins_with_the_two_commands() -> None:
    first = pages.commands((ROOT / "README.md").read_text())[0]
    lines = [line.partition("#")[0].strip() for line in first.text.splitlines()]
    assert lines == ["make run", "make test"]
    for line in lines:
        subprocess.run(["make", "--dry-run", line.split()[1]], cwd=ROOT, check=True)


# Links and names


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_links_lead_somewhere(page: Path) -> None:
    broken = []
    for link in LINK.findall(prose(page)):
        path, _, anchor = link.partition("#")
        if re.match(r"[a-z]+:", link):
            continue
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in slugs(target)):
            broken.append(link)
    assert not broken


def test_every_page_can_be_reached() -> None:
    linked = {
        (page.parent / link.partition("#")[0]).resolve()
        for page in PAGES
        for link in LINK.findall(prose(page))
    }
    lost = [named(page) for page in DOCS.rglob("*.md") if page not in linked]
    assert not lost


def test_tests_named_in_the_docs_exist() -> None:
    mentions = {(page, *found) for page in PAGES for found in NAMED_TEST.findall(page.read_text())}
    assert mentions
    missing = [
        f"{named(page)}: {file}::{name}"
        for page, file, name in sorted(mentions)
        if not (ROOT / file).is_file() or not re.search(rf"def {name}\(", (ROOT / file).read_text())
    ]
    assert not missing


def test_every_promise_names_its_test() -> None:
    """Each row of the tables of promises ends with a test."""
    page = (DOCS / "explain" / "promises.md").read_text()
    rows = [
        line
        for line in page.splitlines()
        if line.startswith("| ") and not line.startswith(("| promise", "| ---"))
    ]
    assert rows
    assert not [row for row in rows if not NAMED_TEST.search(row.rsplit("|", 2)[1])]


def test_calls_named_in_the_docs_exist(server: Server, http: httpx2.Client) -> None:
    document: dict[str, Any] = http.get(f"{server.address}/openapi/all.json").json()
    served = {
        f"{method.upper()} {re.sub(r'{[^}]*}', '{}', path)}"
        for path, methods in document["paths"].items()
        for method in methods
    }
    calls = {
        f"{method} {re.sub(r'{[^}]*}', '{}', path)}"
        for page in PAGES
        if page.name != "CHANGELOG.md"
        for method, path in NAMED_CALL.findall(NOT_THERE.sub("", page.read_text()))
    }
    assert calls
    assert not sorted(calls - served)


def test_variables_named_in_the_docs_exist() -> None:
    wrong = {
        f"{named(page)}: {PREFIX}{name}"
        for page in PAGES
        for name in VARIABLE.findall(page.read_text())
        if name.lower() not in FIELDS and name.lower().removesuffix("_file") not in FIELDS
    }
    assert not wrong


# Completeness


def test_generated_pages_are_fresh() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tools.reference", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", FIELDS)
def test_every_setting_is_in_the_reference(name: str) -> None:
    assert f"`{PREFIX}{name.upper()}`" in (DOCS / "reference" / "settings.md").read_text()


@pytest.mark.parametrize("code", Code)
def test_every_code_has_a_heading(code: Code) -> None:
    assert f"\n## {code}\n" in (DOCS / "reference" / "codes.md").read_text()


@pytest.mark.parametrize("name", [*SCOPES, *sorted(set(Scope) - {Scope.ANY})])
def test_every_scope_is_explained(name: str) -> None:
    assert f"`{name}`" in (DOCS / "explain" / "keys-and-scopes.md").read_text()


@pytest.mark.parametrize("name", [plan.name for plan in PLANS])
def test_every_plan_is_explained(name: str) -> None:
    assert f"`{name}`" in (DOCS / "explain" / "limits-and-quotas.md").read_text()
