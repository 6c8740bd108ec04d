"""What every command shares: its two common flags, how it speaks, how it fails."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter, validators

if TYPE_CHECKING:
    from gatepost.base.config import Origin, Settings
    from gatepost.base.errors import AppError

OK = 0
FAILED = 1
USAGE = 2
INTERRUPTED = 130


class Failure(Exception):  # noqa: N818 # it names what happened to the command
    """The command could not do it: one line for the person, and the exit code."""

    def __init__(self, text: str, code: int = FAILED) -> None:
        """Say why, in one line."""
        super().__init__(text)
        self.code = code


Limit = Annotated[int, Parameter(validator=validators.Number(gte=1), help="How many at most.")]


@Parameter(name="*")
@dataclass(frozen=True)
class Common:
    """Flags of every command."""

    data: Annotated[str | None, Parameter(help="The data folder: ./gatepost-data.")] = None
    json: Annotated[
        bool, Parameter(negative="", show_default=False, help="Answer in JSON, for programs.")
    ] = False


COMMON = Common()


def load(common: Common, **flags: Any) -> tuple[Settings, dict[str, Origin]]:
    """Read the settings; a bad one is an error of usage, like a bad flag."""
    from gatepost.base import config

    try:
        return config.load({"data": common.data} | flags)
    except config.ConfigError as error:
        raise Failure(str(error), USAGE) from None


def put(data: str) -> None:
    """Write a line of data: stdout carries nothing else."""
    print(data, flush=True)  # noqa: T201 # this is the output of a command


def put_json(data: object) -> None:
    """Write a value as one line of JSON."""
    import msgspec

    put(msgspec.json.encode(data).decode())


def say(text: str) -> None:
    """Talk to the person at the terminal: stderr, so that pipes stay clean."""
    print(text, file=sys.stderr, flush=True)  # noqa: T201 # the same


def sentence(error: AppError) -> str:
    """A refusal in words, with the names of the fields at fault."""
    if error.fields:
        problems = [(".".join(map(str, one.path)), one.message) for one in error.fields]
        return "; ".join(": ".join(part for part in both if part) for both in problems)
    return error.detail or error.code
