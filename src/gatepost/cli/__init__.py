"""The command line. Exit codes: 0 done, 1 refused or failed, 2 wrong usage or settings."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, NoReturn

from cyclopts import App

from gatepost.cli import account, config, data, key, plan, project, selftest
from gatepost.cli.common import FAILED, INTERRUPTED, OK, USAGE, Failure, say
from gatepost.cli.doctor import doctor
from gatepost.cli.migrate import migrate
from gatepost.cli.send import send, tail
from gatepost.cli.serve import serve, worker

if TYPE_CHECKING:
    from gatepost.base.errors import AppError

__all__ = ["app", "main"]


def _version() -> str:
    from importlib.metadata import version

    return version("gatepost")


app = App(
    name="gatepost",
    help=__doc__,
    version=_version,
    result_action="return_value",
)
for command in (serve, worker, migrate, send, tail, doctor):
    app.command(command)
for group in (account, project, key, plan, config, data, selftest):
    app.command(group.app)


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
        expected = explain(error)
        if expected is None:
            raise
        say(f"gatepost: {expected}")
        return expected.code


def explain(error: Exception) -> Failure | None:
    """Put an expected fault into one line; None for a fault of ours, which keeps its trace."""
    import sqlite3

    import psycopg
    from sqlalchemy.exc import DatabaseError

    from gatepost.base.config import ConfigError
    from gatepost.base.errors import AppError, Code

    if isinstance(error, AppError):
        return Failure(_sentence(error), USAGE if error.code is Code.INVALID else FAILED)
    if isinstance(error, DatabaseError | sqlite3.Error | psycopg.Error):
        return Failure(f"database: {getattr(error, 'orig', error)}")
    return Failure(str(error)) if isinstance(error, ConfigError | OSError) else None


def _sentence(error: AppError) -> str:
    """A refusal in words, with the names of the fields at fault."""
    if error.fields:
        problems = [(".".join(map(str, one.path)), one.message) for one in error.fields]
        return "; ".join(": ".join(part for part in both if part) for both in problems)
    return error.detail or error.code
