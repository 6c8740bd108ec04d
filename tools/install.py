"""Build .venv, install one hash-pinned lock file into it, and the project itself, editable.

Run by `make` with any Python >= 3.11, before anything is installed: standard library only.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
BUILD_LOCK = ROOT / "requirements-build.lock"
# uv does not read pip's configuration; these carry a machine's package source over to it.
PIP_TO_UV = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "cert": "SSL_CERT_FILE",
}


def main(lock: str) -> int:
    """Install `lock` (a path from the project's root); a failed step's exit code is returned."""
    try:
        make_venv()
        environment = uv_environment()
        uv = [find_uv(), "pip", "install", "--python", str(PYTHON), "--quiet", "--compile-bytecode"]
        say(f"Installing {lock}")
        run([*uv, "--require-hashes", "--requirements", lock], environment)
        project = ["--no-deps", "--build-constraints", str(BUILD_LOCK), "--editable", "."]
        run([*uv, *project], environment)
    except subprocess.CalledProcessError as error:
        say(f"Set-up stopped: {' '.join(error.cmd)} exited with {error.returncode}")
        return error.returncode
    return 0


def make_venv() -> None:
    """Create .venv unless it holds a working Python already."""
    if PYTHON.exists() and subprocess.run([PYTHON, "-c", ""], check=False).returncode == 0:
        return
    say(f"Creating {VENV.name} with Python {sys.version.split()[0]}")
    uv = shutil.which("uv")
    if uv:
        run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(VENV)])
        return
    try:
        run([sys.executable, "-m", "venv", "--clear", str(VENV)])
    except subprocess.CalledProcessError:
        say("Python's venv module is incomplete; on Debian: apt-get install python3-venv")
        raise


def find_uv() -> str:
    """The uv to use: the machine's, or a pinned one bootstrapped into .venv with pip."""
    own = VENV / "bin" / "uv"
    found = shutil.which("uv") or (str(own) if own.exists() else None)
    if found:
        return found
    say("uv is missing: installing it into .venv")
    if not has_pip(str(PYTHON)):
        run([str(PYTHON), "-m", "ensurepip"])
    pip = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    run([*pip, "--require-hashes", "--requirement", str(BUILD_LOCK)])
    return str(own)


def uv_environment() -> dict[str, str]:
    """This process's environment, plus pip's package source where uv has none of its own."""
    carried = {
        PIP_TO_UV[name]: value for name, value in pip_settings().items() if name in PIP_TO_UV
    }
    # pip treats all its sources alike; the hashes in the locks decide what may be installed.
    return {"UV_INDEX_STRATEGY": "unsafe-best-match"} | carried | dict(os.environ)


def pip_settings() -> dict[str, str]:
    """What pip's files and variables set, keyed by the option's name."""
    python = next((p for p in (str(PYTHON), sys.executable) if has_pip(p)), None)
    if python is None:
        return {}
    listing = subprocess.run(
        [python, "-m", "pip", "config", "list"], check=False, capture_output=True, text=True
    ).stdout
    settings: dict[str, str] = {}
    for line in listing.splitlines():  # global.index-url='…', then :env:.index-url='…'
        key, _, value = line.partition("=")
        settings[key.rpartition(".")[2]] = " ".join(value.strip("'").replace("\\n", " ").split())
    return settings


def has_pip(python: str) -> bool:
    """Whether this Python can run pip."""
    probe = subprocess.run([python, "-c", "import pip"], check=False, capture_output=True)
    return probe.returncode == 0


def run(command: list[str], environment: dict[str, str] | None = None) -> None:
    """Run one step in the project's root; raises CalledProcessError if it fails."""
    subprocess.run(command, check=True, cwd=ROOT, env=environment)


def say(text: str) -> None:
    """Tell the person at the terminal."""
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
