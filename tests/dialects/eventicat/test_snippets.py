"""The snippets of the guide, in each language, run as they are written there."""

import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.dialects.eventicat.wire import Sender
from tests.docs import pages

PAGE = pages.ROOT / "docs" / "guides" / "count-events-from-any-language.md"
OK = '{"status":"ok"}'
RUN_S = 110

Command = Callable[[Path], str]
"""From the file that holds a snippet to what a shell runs."""

PROGRAMS: dict[str, tuple[str, str, Command]] = {
    "sh": ("curl", "snippet.sh", lambda file: f"sh {file}"),
    "js": ("node", "snippet.mjs", lambda file: f"node {file}"),
    "python": (sys.executable, "snippet.py", lambda file: f"{sys.executable} {file}"),
    "php": ("php", "snippet.php", lambda file: f"php {file}"),
    "ruby": ("ruby", "snippet.rb", lambda file: f"ruby {file}"),
    "go": ("go", "snippet.go", lambda file: f"go run {file}"),
    "rust": ("rustc", "snippet.rs", lambda file: f"rustc -o {file}.out {file} && {file}.out"),
}
"""By the language of a fence: the program it needs, its file, and its command."""
EVERYWHERE = {"sh", "js", "python"}


def works(program: str) -> bool:
    """Whether a runtime is here and set up: rustc may be a launcher that has nothing to launch."""
    if shutil.which(program) is None:
        return False
    asked = [program, "version" if program == "go" else "--version"]
    return subprocess.run(asked, check=False, capture_output=True).returncode == 0


# The other runtimes are no part of what these tests need: those that are not here are left out.
HERE = [name for name, (program, _, _) in PROGRAMS.items() if name in EVERYWHERE or works(program)]


def snippets() -> dict[str, str]:
    """The guide's snippets by language."""
    found = (match.groups() for match in pages.FENCE.finditer(PAGE.read_text()))
    return {language: text for language, marks, text in found if "snippet" in marks.split()}


def run(language: str, sender: Sender, folder: Path) -> "subprocess.CompletedProcess[str]":
    """Run a snippet with the address, id and key of a sender."""
    _, name, command = PROGRAMS[language]
    file = folder / name
    file.write_text(snippets()[language].replace(pages.SHOWN_ADDRESS, sender.server.address))
    own = {"AGGREGATOR": sender.aggregator, "KEY": sender.key.secret}
    return subprocess.run(
        ["sh", "-c", command(file)],
        cwd=folder,
        env=os.environ | own,
        capture_output=True,
        text=True,
        timeout=RUN_S,
        check=False,
    )


def test_every_snippet_can_be_run() -> None:
    assert list(snippets()) == list(PROGRAMS)


@pytest.mark.parametrize("language", HERE)
def test_a_snippet_counts_two_events(language: str, sender: Sender, tmp_path: Path) -> None:
    done = run(language, sender, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.replace("\n", "") == OK * 2
    assert sender.counted("event") == Counter({"": 2, "user_signup": 1, "page_view": 1})
    assert sender.counted("tag") == Counter({"": 2, "plan:pro": 1, "region:eu": 1})


@pytest.mark.parametrize("language", HERE)
def test_a_snippet_fails_where_nothing_is_counted(
    language: str, sender: Sender, tmp_path: Path
) -> None:
    theirs, sender.aggregator = sender.aggregator, "aggregator_" + "0" * 32
    done = run(language, sender, tmp_path)
    assert done.returncode != 0
    assert OK not in done.stdout
    sender.aggregator = theirs
    assert sender.counted() == Counter({"": 0})
