"""Files and folders that are still there after a power cut."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path


def sync_folder(folder: Path) -> None:
    """Make the names of newly created files durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def make_folder(folder: Path) -> None:
    """Make a folder for the owner alone, with those above it, unless it is there.

    Its name is synced at every call: whoever made it may have died before that.
    """
    above = [one for one in folder.absolute().parents if not one.exists()]
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for one in (folder, *above):
        with contextlib.suppress(PermissionError):  # a folder that is not ours to read
            sync_folder(one.absolute().parent)


def write_new(path: Path, content: bytes) -> None:
    """Make a file that has its whole content or does not exist, readable by the owner alone.

    Raises FileExistsError when it is there already.
    """
    handle, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.link(name, path)
    finally:
        Path(name).unlink()
    sync_folder(path.parent)
