"""The distribution: it can be built and installed, and it stands alone."""

import os
import subprocess
import sys
import zipfile
from email.parser import Parser
from pathlib import Path

import httpx2
import pytest

import gatepost_client
from tools.install import BUILD_LOCK, find_uv, uv_environment

ROOT = Path(__file__).resolve().parents[2]
PROJECT = ROOT / "sdk" / "python"
SOURCES = PROJECT / "src"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, made by the build backend that `make setup` has fetched already."""
    folder = tmp_path_factory.mktemp("wheel")
    options = ["--wheel", "--offline", "--quiet", "--build-constraints", str(BUILD_LOCK)]
    subprocess.run(
        [find_uv(), "build", *options, "--out-dir", str(folder), str(PROJECT)],
        check=True,
        env=uv_environment(),
    )
    (built,) = folder.glob("*.whl")
    return built


def test_the_wheel_holds_the_package_and_says_what_it_is(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        (folder,) = {one.partition("/")[0] for one in names if ".dist-info/" in one}
        metadata = Parser().parsestr(archive.read(f"{folder}/METADATA").decode())
    sources = {str(one.relative_to(SOURCES)) for one in SOURCES.rglob("*") if one.is_file()}
    packed = {one for one in names if one.startswith("gatepost_client/")}
    assert packed == {one for one in sources if "__pycache__" not in one}
    assert "gatepost_client/py.typed" in packed
    assert metadata["Name"] == "gatepost-client"
    assert metadata["Version"] == gatepost_client.__version__
    assert metadata["License-Expression"] == "MIT"
    assert metadata.get_all("Requires-Dist") == ["httpx2>=2.16"]


def test_it_works_from_the_wheel_with_httpx2_alone(wheel: Path, tmp_path: Path) -> None:
    """In an interpreter that finds the wheel and what httpx2 needs, and no Gatepost."""
    code = (
        "import sys, gatepost_client\n"
        "print(gatepost_client.__file__)\n"
        "print(sorted({n.partition('.')[0] for n in sys.modules} & {'gatepost', 'starlette'}))\n"
        "client = gatepost_client.GateClient('https://gate.example.com', 'gp_key')\n"
        "client.close()\n"
    )
    libraries = Path(httpx2.__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-S", "-W", "error", "-c", code],
        cwd=tmp_path,
        env={"PYTHONPATH": f"{wheel}{os.pathsep}{libraries}", "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    where, imported = done.stdout.splitlines()
    assert where.startswith(str(wheel))
    assert imported == "[]"


def test_its_import_contracts_hold() -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=PROJECT,
        env=os.environ | {"PYTHONPATH": str(SOURCES)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 kept, 0 broken" in done.stdout


def test_the_licence_is_that_of_the_project() -> None:
    assert (PROJECT / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()


def test_source_files_stay_short() -> None:
    lengths = {path.name: len(path.read_text().splitlines()) for path in SOURCES.rglob("*.py")}
    assert lengths
    assert max(lengths.values()) <= 400
