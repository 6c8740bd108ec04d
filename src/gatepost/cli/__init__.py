"""The command line. Exit codes: 0 done, 1 refused or failed, 2 wrong usage or settings."""

from __future__ import annotations

import os
import sys
from importlib.metadata import version
from typing import NoReturn

from cyclopts import App

from gatepost.cli.common import FAILED, INTERRUPTED, OK, Failure, say
from gatepost.cli.serve import serve

__all__ = ["app", "main"]

app = App(
    name="gatepost",
    help=__doc__,
    version=lambda: version("gatepost"),
    result_action="return_value",
)
app.command(serve)


def main() -> NoReturn:
    """Run the command of this process's arguments and end with its exit code."""
    os.umask(0o077)  # whatever a command writes belongs to the owner alone
    sys.exit(_run())


def _run() -> int:
    try:
        return app() or OK
    except Failure as failure:
        say(f"gatepost: {failure}")
        return failure.code
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # The reader has gone (`gatepost tail | head`); nothing is left to flush at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except Exception as error:
        text = explain(error)
        if text is None:
            raise
        say(f"gatepost: {text}")
        return FAILED


def explain(error: Exception) -> str | None:
    """Put an expected fault into one line; None for a fault of ours, which keeps its trace."""
    import sqlite3

    from sqlalchemy.exc import DatabaseError

    from gatepost.base.config import ConfigError
    from gatepost.base.errors import AppError

    if isinstance(error, AppError):
        return error.detail or error.code
    if isinstance(error, DatabaseError):
        return f"database: {error.orig}"
    if isinstance(error, sqlite3.Error):
        return f"database: {error}"
    return str(error) if isinstance(error, ConfigError | OSError) else None
