"""Rows as CSV, and whether a client asks for them so. Pure."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence

CSV = "text/csv"
# What a spreadsheet takes for the start of a formula, or of what may turn into one.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def write(columns: Sequence[str], rows: Iterable[Sequence[str | int]]) -> bytes:
    """Write CSV (RFC 4180) in UTF-8, the columns' names first. No text is a formula."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(columns)
    writer.writerows([_guarded(cell) for cell in row] for row in rows)
    return out.getvalue().encode()


def asked_for(headers: Mapping[bytes, bytes]) -> bool:
    """Whether `Accept` names CSV, and prefers it to JSON (RFC 9110, section 12.5.1)."""
    wanted = dict(_range(one) for one in headers.get(b"accept", b"").decode("latin-1").split(","))
    return wanted.get(CSV, 0.0) > wanted.get("application/json", 0.0)


def _range(text: str) -> tuple[str, float]:
    kind, *parameters = (part.strip().lower() for part in text.split(";"))
    weight = next((one[2:] for one in parameters if one.startswith("q=")), "1")
    try:
        return kind, float(weight)
    except ValueError:
        return kind, 0.0


def _guarded(cell: str | int) -> str | int:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell
