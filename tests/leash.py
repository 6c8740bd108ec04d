"""A server that a test started ends with the test, even one that is killed."""

import subprocess
from pathlib import Path

SCRIPT = 'read -r _ || { kill -CONT "$1"; kill -s "$2" "$1"; sleep 6; rm -rf "$3"; }'
"""Its input ends without a line when whoever holds the leash is gone."""


class Leash:
    """Sends a server a signal, and removes its folder, when this process ends before `release`."""

    def __init__(self, server: int, folder: Path, how: str) -> None:
        """Watch the process `server`; `how` is the name of a signal (`QUIT`)."""
        self._watch = subprocess.Popen(
            ["sh", "-c", SCRIPT, "leash", str(server), how, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def release(self) -> None:
        self._watch.communicate(b"\n")
