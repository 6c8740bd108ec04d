"""What can go wrong between an app and Gatepost. No text of these errors holds a secret."""

from __future__ import annotations


class GatepostError(Exception):
    """Anything that keeps a call from its answer."""


class UnavailableError(GatepostError):
    """No answer that could be used; whether the call had an effect is unknown.

    The network, a time-out, a status of 5xx, or 429 for the app's own API key. `retry_after_s`
    is what Gatepost asked for, in seconds.
    """

    def __init__(self, why: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(why)
        self.retry_after_s = retry_after_s


class RefusedError(GatepostError):
    """Gatepost refused the call itself (any other 4xx), and did nothing.

    `code` is stable, as in Gatepost's reference of codes.
    """

    def __init__(self, status: int, code: str, message: str, request_id: str | None) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.request_id = request_id
