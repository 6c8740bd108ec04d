"""Secrets that a command is given: never as an argument, which anybody on the machine can read."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import Annotated

from cyclopts import Parameter

from gatepost.cli.common import USAGE, Failure


@Parameter(name="*")
@dataclass(frozen=True)
class Hidden:
    """Where a secret comes from."""

    secret_env: Annotated[
        str | None, Parameter(help="The environment variable that holds the secret.")
    ] = None
    secret_stdin: Annotated[
        bool,
        Parameter(
            negative="", show_default=False, help="Read the secret from stdin, its first line."
        ),
    ] = False

    def read(self) -> str | None:
        """The secret, None where nothing says where it is; raises Failure without a word of it."""
        if self.secret_env is not None and self.secret_stdin:
            raise Failure("give --secret-env or --secret-stdin, not both", USAGE)
        if self.secret_env is not None:
            return _given(os.environ.get(self.secret_env), f"the variable {self.secret_env}")
        return _given(_typed(), "stdin") if self.secret_stdin else None


HIDDEN = Hidden()


def _typed() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().strip()
    from getpass import getpass

    return getpass("Secret: ").strip()


def _given(found: str | None, where: str) -> str:
    if not found:
        message = f"{where} holds no secret"
        raise Failure(message, USAGE)
    return found
