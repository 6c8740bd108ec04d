"""What all endpoints of Emailit's API have in common."""

from __future__ import annotations

from typing import Any

from gatepost.web.contract import Endpoint


def endpoint(operation: str, method: str, path: str, **more: Any) -> Endpoint:
    """One operation; an `Idempotency-Key` is passed over unless it says that it is idempotent."""
    return Endpoint(operation=operation, method=method, path=path, **{"idempotent": False} | more)
