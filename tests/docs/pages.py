"""Documentation as programs: the command blocks of a page, and what it says they print.

A fence with the language `sh` or `python` is run, in order, in one shell, unless it says
`by-hand`. A fence marked `output` right after it is what that command prints: `…` stands for
anything; JSON may have more members than are shown, text more lines. A fence marked `background`
goes on beside the others; its output, marked so too, may come later. One marked `until=WORD` is
repeated until it prints that word: what it shows may take a moment.
"""

import contextlib
import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
SHOWN_ADDRESS = "http://127.0.0.1:8080"
SHOWN_SMTP_PORT = "2525"
FENCE = re.compile(r"^```(\S*)[ \t]*([^\n`]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PAGE_S = 90
BACKGROUND_S = 10


@dataclass(frozen=True)
class Command:
    """One block to run, where it stands, and the blocks that show its output."""

    language: str
    marks: frozenset[str]
    text: str
    line: int
    shown: list[tuple[str, str]] = field(default_factory=list)

    @property
    def by_hand(self) -> bool:
        return "by-hand" in self.marks

    @property
    def until(self) -> str | None:
        """The word that it prints once there is something to show."""
        found = (one.removeprefix("until=") for one in self.marks if one.startswith("until="))
        return next(found, None)

    @property
    def background(self) -> bool:
        return "background" in self.marks

    def difference(self, out: str) -> str | None:
        """What is wrong with its output, None when it is as the page shows it."""
        found = (differs(language, shown, out) for language, shown in self.shown)
        return next((one for one in found if one), None)


@dataclass(frozen=True)
class Done:
    """A command that was run: its exit code, standard output and standard error."""

    command: Command
    code: int
    out: str
    err: str


def commands(text: str) -> list[Command]:
    """The commands of a page; an output without a command is an error."""
    found: list[Command] = []
    for match in FENCE.finditer(text):
        language, marks, content = match.groups()
        line = text.count("\n", 0, match.start()) + 1
        if "output" in marks.split():
            beside = "background" in marks.split()
            last = next(one for one in reversed(found) if one.background >= beside)
            last.shown.append((language, content))
        elif language in {"sh", "python"}:
            found.append(Command(language, frozenset(marks.split()), content, line))
    return found


def run(
    page: Path, folder: Path, env: Mapping[str, str], address: str, smtp_port: int = 0
) -> list[Done]:
    """Run a page's commands in one shell in `folder`, against the server at `address`, which takes
    mails at a port if it is given.
    """
    chosen = [one for one in commands(page.read_text()) if not one.by_hand]
    script = folder / "page.sh"
    steps = "".join(_steps(chosen, folder)).replace(SHOWN_ADDRESS, address)
    script.write_text(steps.replace(SHOWN_SMTP_PORT, str(smtp_port)) if smtp_port else steps)
    shell = ["bash", "-o", "pipefail", str(script)]
    process = subprocess.Popen(shell, cwd=folder, env=dict(env), start_new_session=True)
    try:
        process.wait(PAGE_S)
        return [_done(one, folder / f"step-{number}", address) for number, one in enumerate(chosen)]
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _steps(chosen: list[Command], folder: Path) -> Iterator[str]:
    for number, command in enumerate(chosen):
        step, text = folder / f"step-{number}", command.text
        if command.language == "python":
            text = f"python - <<'END OF PAGE'\n{text}END OF PAGE\n"
        if command.background:
            yield f"{{\n{text}}} >{step}.out 2>{step}.err </dev/null &\n"
            yield f"until [ -s {step}.out ]; do sleep 0.02; done\necho 0 >{step}.code\n"
            continue
        run = f"{{\n{text}}} >{step}.out 2>{step}.err </dev/null\necho $? >{step}.code\n"
        if command.until is not None:
            run = f"until {run}grep -q {command.until} {step}.out; do sleep 0.02; done\n"
        yield run


def _done(command: Command, step: Path, address: str) -> Done:
    def written(name: str) -> str:
        file = Path(f"{step}.{name}")
        return file.read_text().replace(address, SHOWN_ADDRESS) if file.exists() else ""

    if command.background:
        deadline = time.monotonic() + BACKGROUND_S
        while command.difference(written("out")) and time.monotonic() < deadline:
            time.sleep(0.02)
    return Done(command, int(written("code") or -1), written("out"), written("err"))


def differs(language: str, shown: str, out: str) -> str | None:
    """What is wrong with an output, None when it is as the page shows it."""
    if language != "json":
        return _differing_line(shown, out)
    try:
        actual = json.loads(out)
    except ValueError:
        return f"no JSON: {out!r}"
    return differing(json.loads(shown), actual)


def _differing_line(shown: str, out: str) -> str | None:
    lines = iter(out.splitlines())
    for line in shown.splitlines():
        wanted = pattern(line.rstrip())
        if line.strip() and not any(wanted.fullmatch(one.rstrip()) for one in lines):
            return f"no line {line!r} (in this order) in:\n{out}"
    return None


def pattern(text: str) -> re.Pattern[str]:
    """A text in which `…` stands for anything."""
    return re.compile(".*".join(map(re.escape, text.split("…"))), re.DOTALL | re.IGNORECASE)


def differing(shown: Any, actual: Any, place: str = "$") -> str | None:
    """Where a JSON value is not as shown; it may have further members."""
    if isinstance(shown, dict) and isinstance(actual, dict):
        return _differing_member(shown, actual, place)
    if isinstance(shown, list) and isinstance(actual, list):
        return _differing_item(shown, actual, place)
    if shown == "…" or (
        isinstance(shown, str) and isinstance(actual, str) and pattern(shown).fullmatch(actual)
    ):
        return None
    same = shown == actual and type(shown) is type(actual)
    return None if same else f"{place}: {shown!r} is shown, {actual!r} came"


def _differing_member(shown: dict[str, Any], actual: dict[str, Any], place: str) -> str | None:
    for name, value in shown.items():
        if name not in actual:
            return f"{place}.{name} is missing in {actual!r}"
        found = differing(value, actual[name], f"{place}.{name}")
        if found:
            return found
    return None


def _differing_item(shown: list[Any], actual: list[Any], place: str) -> str | None:
    if shown[-1:] == ["…"]:
        shown = shown[:-1]
        actual = actual[: len(shown)]
    if len(shown) != len(actual):
        return f"{place}: {len(shown)} items are shown, {len(actual)} came: {actual!r}"
    pairs = enumerate(zip(shown, actual, strict=True))
    found = (differing(one, other, f"{place}[{at}]") for at, (one, other) in pairs)
    return next((one for one in found if one), None)
