"""Verdicts and checks for tests of what needs no server."""

from datetime import UTC, datetime, timedelta

from gatepost_client import Check, KeyInfo, Verdict, Window

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def check(key: str = "key_a", **more: object) -> Check:
    return Check(key, **more)  # type: ignore[arg-type]  # whatever a test says of a check


def window(remaining: int, *, name: str = "minute", limit: int = 100) -> Window:
    return Window(name, limit, remaining, NOW + timedelta(seconds=60))


def allowed(*, limit: int | None = None, quota: int | None = None) -> Verdict:
    """An allowed verdict with that much left of a limit and of a quota."""
    return Verdict(
        allowed=True,
        limits=() if limit is None else (window(limit),),
        quotas=() if quota is None else (window(quota, name="key"),),
    )


def expiring(moment: datetime) -> Verdict:
    return Verdict(allowed=True, key=KeyInfo("gatekey_1", "n", (), {}, None, moment))


def refused(reason: str = "quota_exceeded") -> Verdict:
    return Verdict(allowed=False, reason=reason, message="no")
