"""Resolve every requirements*.lock again from pyproject.toml; `--upgrade` takes newer versions.

The files name no package index: where packages come from is the machine's own setting.
"""

import sys
from pathlib import Path

from tools.install import ROOT, find_uv, run, uv_environment

RUN = "pyproject.toml"
HEADER = "# Made by `make lock` from pyproject.toml; every file below is pinned by its hash.\n"
# The development and benchmark locks start from the run-time one, so all three agree.
LOCKS: dict[str, list[str]] = {
    "requirements-build.lock": ["--group", "pyproject.toml:build"],
    "requirements.lock": [RUN],
    "requirements-dev.lock": [RUN, "--group", "dev", "-c", "requirements.lock"],
    "requirements-bench.lock": [RUN, "--group", "bench", "-c", "requirements-dev.lock"],
}


def main(options: list[str]) -> int:
    """Write each lock file; `options` go to `uv pip compile` as they are."""
    uv, environment = find_uv(), uv_environment()
    settings = ["--universal", "--generate-hashes", "--python-version", "3.11", "--quiet"]
    silent = ["--no-header", "--no-emit-index-url", "--no-emit-find-links"]
    for name, sources in LOCKS.items():
        command = [uv, "pip", "compile", *sources, *settings, *silent, *options, "-o", name]
        run(command, environment)
        lock = Path(ROOT, name)
        lock.write_text(HEADER + lock.read_text())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
