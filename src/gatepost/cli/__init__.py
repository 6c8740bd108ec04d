"""The command line. Exit codes: 0 done, 1 refused or failed, 2 wrong usage or settings."""

from __future__ import annotations

import os
import sys
from typing import NoReturn

from cyclopts import App

from gatepost.cli import (
    account,
    aggregator,
    alert,
    config,
    customer,
    data,
    deliveries,
    domain,
    endpoint,
    gate,
    imports,
    key,
    mail,
    mailer,
    messages,
    operator,
    plan,
    project,
    push,
    relay,
    rule,
    selftest,
    template,
)
from gatepost.cli.common import FAILED, INTERRUPTED, OK, USAGE, Failure, say, sentence
from gatepost.cli.demo import demo
from gatepost.cli.doctor import doctor
from gatepost.cli.listen import listen
from gatepost.cli.migrate import migrate
from gatepost.cli.send import send, tail
from gatepost.cli.serve import serve, worker
from gatepost.cli.trigger import trigger

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
for command in (serve, worker, migrate, send, tail, listen, trigger, demo, doctor):
    app.command(command)
GROUPS = (
    account,
    project,
    key,
    gate,
    aggregator,
    customer,
    relay,
    rule,
    alert,
    messages,
    deliveries,
    mail,
    mailer,
    operator,
    plan,
    domain,
    endpoint,
    template,
    push,
    config,
    data,
    imports,
    selftest,
)
for group in GROUPS:
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

    from gatepost.base.config import ConfigError, SettingError
    from gatepost.base.errors import AppError, Code

    if isinstance(error, AppError):
        return Failure(sentence(error), USAGE if error.code is Code.INVALID else FAILED)
    if isinstance(error, DatabaseError | sqlite3.Error | psycopg.Error):
        return Failure(f"database: {getattr(error, 'orig', error)}")
    if isinstance(error, SettingError):
        return Failure(str(error), USAGE)
    return Failure(str(error)) if isinstance(error, ConfigError | OSError) else None
