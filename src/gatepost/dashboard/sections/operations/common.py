"""What the pages about operations have in common."""

from __future__ import annotations

from gatepost.base.errors import AppError, Code
from gatepost.dashboard.visit import Visit

Tab = tuple[str, str, bool]
ALL = (
    ("", "Requests"),
    ("health", "Health"),
    ("settings", "Settings"),
    ("accounts", "Accounts"),
    ("operators", "Operators"),
)


def tabs(visit: Visit, here: str) -> list[Tab]:
    """The pages that this visitor may see."""
    mine = ALL if is_superuser(visit) else ALL[:1]
    return [
        (visit.url("operations", *([name] if name else [])), words, name == here)
        for name, words in mine
    ]


def is_superuser(visit: Visit) -> bool:
    """Whether the visitor may do what concerns the whole installation."""
    return visit.operator.operator.superuser


def check(visit: Visit) -> None:
    """Hide what concerns the whole installation from others; raises NOT_FOUND."""
    if not is_superuser(visit):
        raise AppError(Code.NOT_FOUND, "There is no such page, or none that you may see.")
