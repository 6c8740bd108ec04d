"""What one durable commit costs here: `python -m bench.commits FOLDER` prints the median in ms."""

import sqlite3
import statistics
import sys
import time
from pathlib import Path

COMMITS = 300


def main() -> None:
    """Time single-row transactions on a WAL database with synchronous=FULL."""
    db = sqlite3.connect(Path(sys.argv[1]) / "commits.db", isolation_level=None)
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=FULL")
    db.execute("CREATE TABLE IF NOT EXISTS row (text TEXT)")
    taken = []
    for _ in range(COMMITS):
        start = time.perf_counter()
        db.execute("INSERT INTO row VALUES ('a')")
        taken.append((time.perf_counter() - start) * 1e3)
    print(statistics.median(taken))


if __name__ == "__main__":
    main()
