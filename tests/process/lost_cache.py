"""A disk that loses its page cache: the preload shim, and what is left after the power cut."""

import os
import shutil
import subprocess
from pathlib import Path

SOURCE = Path(__file__).with_suffix(".c")
FLAGS = ("-Wall", "-Wextra", "-Werror", "-O2", "-fPIC", "-shared")


def build(folder: Path) -> Path:
    """Compile the shim."""
    library = folder / "lost_cache.so"
    command = ["cc", *FLAGS, "-o", str(library), str(SOURCE), "-ldl", "-lpthread"]
    subprocess.run(command, check=True)
    return library


class Disk:
    """`world` as programs under `environ` see it; after `crash()` only what they had synced."""

    def __init__(self, folder: Path, library: Path, writeback_percent: int = 0) -> None:
        self.world = folder / "world"
        self._shadow = folder / "shadow"
        self._next = folder / "next"
        self.world.mkdir(parents=True)
        self._seed()
        self.environ = {
            "LD_PRELOAD": str(library),
            "LOST_CACHE_DIR": str(self.world),
            "LOST_CACHE_SHADOW": str(self._shadow),
            "LOST_CACHE_WRITEBACK": str(writeback_percent),
        }

    def crash(self) -> None:
        """Replace the world by what a power cut leaves; no program may be running on it."""
        self._restore(self.world.stat().st_ino, self._next)
        shutil.rmtree(self.world)
        shutil.rmtree(self._shadow)
        self._next.rename(self.world)
        self._seed()

    def hang(self) -> None:
        """From now on no sync comes to its end, until `release`."""
        (self._shadow / "hang").touch()

    def hangs(self) -> bool:
        """Whether a program waits in such a sync."""
        return (self._shadow / "hanging").exists()

    def release(self) -> None:
        """Syncs work again, and those that waited go on."""
        (self._shadow / "hang").unlink()
        (self._shadow / "hanging").unlink(missing_ok=True)

    def _restore(self, inode: int, folder: Path) -> None:
        folder.mkdir()
        names = self._shadow / f"dir-{inode}"
        for line in names.read_text().splitlines() if names.exists() else []:
            number, kind, name = line.split(" ", 2)
            if kind == "d":
                self._restore(int(number), folder / name)
            elif not name.endswith("-shm"):  # shared memory in a file: never a durable state
                self._restore_file(self._shadow / number, folder / name)

    def _restore_file(self, content: Path, file: Path) -> None:
        file.touch(0o600)
        if content.exists():
            shutil.copyfile(content, file)

    def _seed(self) -> None:
        """Take everything that is in the world now as synced."""
        self._shadow.mkdir()
        for folder, folders, files in os.walk(self.world):
            here = Path(folder)
            names = [(here / name, "d") for name in folders] + [
                (here / name, "f") for name in files
            ]
            lines = [f"{path.stat().st_ino} {kind} {path.name}\n" for path, kind in names]
            (self._shadow / f"dir-{here.stat().st_ino}").write_text("".join(lines))
            for path in (path for path, kind in names if kind == "f"):
                shutil.copyfile(path, self._shadow / str(path.stat().st_ino))
