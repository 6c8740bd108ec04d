"""Copies of the database that Gatepost makes itself: one before each change of its schema."""

from __future__ import annotations

from pathlib import Path

BEGINNING = "before-upgrade-from-"


def place(database: Path, version: str) -> Path:
    """Where the copy of a database of that version is kept: beside it."""
    return database.with_name(f"{BEGINNING}{version}.db")


def latest(folder: Path) -> int | None:
    """When the last one of a data folder was made (ms); None where there is none."""
    found = [round(one.stat().st_mtime * 1000) for one in folder.glob(f"{BEGINNING}*.db")]
    return max(found, default=None)
