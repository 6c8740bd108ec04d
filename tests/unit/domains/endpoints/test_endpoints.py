import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepost.base.ids import AccountId, EndpointId, ProjectId
from gatepost.domains.endpoints import model
from gatepost.domains.endpoints.model import (
    DISABLE_AFTER_MS,
    HEED_MS,
    SECRETS_MAX,
    WARN_AFTER_MS,
    Endpoint,
    EndpointStatus,
    Health,
    Secret,
    Shape,
    covers,
    health,
)

NOW = 1_760_000_000_000


def endpoint(**more: object) -> Endpoint:
    members = {
        "account_id": AccountId(bytes(16)),
        "id": EndpointId(bytes(16)),
        "project_id": ProjectId(bytes(16)),
        "name": "one",
        "url": "https://example.com",
        "types": ("*",),
        "filter": "",
        "policy": "standard",
        "shape": Shape.STANDARD,
        "array": False,
        "status": EndpointStatus.ENABLED,
        "headers": b"",
        "secrets": b"",
        "rate": None,
        "cap": 8,
        "created_at": 0,
        "updated_at": 0,
    }
    return Endpoint(**{**members, **more})  # type: ignore[arg-type] # of any member


@pytest.mark.parametrize(
    ("pattern", "type_", "covered"),
    [
        ("*", "event.orders", True),
        ("event.*", "event.orders", True),
        ("event.*", "event.orders.new", True),
        ("event.*", "event", False),
        ("event.*", "events.orders", False),
        ("event.orders", "event.orders", True),
        ("event.orders", "event.orders.new", False),
        ("message.failed", "message.delivered", False),
    ],
)
def test_what_a_name_covers(pattern: str, type_: str, covered: bool) -> None:
    assert covers(pattern, type_) is covered


WORDS = st.lists(st.text("ab", min_size=1, max_size=2), min_size=1, max_size=3)


@given(pattern=WORDS, type_=WORDS)
def test_a_star_covers_what_is_below(pattern: list[str], type_: list[str]) -> None:
    below = type_[: len(pattern)] == pattern and len(type_) > len(pattern)
    assert covers(".".join([*pattern, "*"]), ".".join(type_)) is below


def test_success_heals_and_says_nothing_of_the_healthy() -> None:
    assert health(endpoint(), NOW, ok=True) is None
    assert health(endpoint(failing_since=NOW - 1, warned_at=NOW), NOW, ok=True) == Health()


def test_the_first_failure_is_noted_and_the_next_is_not() -> None:
    assert health(endpoint(), NOW, ok=False) == Health(NOW)
    assert health(endpoint(failing_since=NOW - 1), NOW, ok=False) is None


@given(since=st.integers(0, 20 * DISABLE_AFTER_MS), warned=st.none() | st.integers(0, 10**10))
def test_nothing_ends_without_a_warning_in_time(since: int, warned: int | None) -> None:
    began = NOW - since
    warned_at = None if warned is None else NOW - warned
    found = health(endpoint(failing_since=began, warned_at=warned_at), NOW, ok=False)
    ends = warned is not None and since >= DISABLE_AFTER_MS and warned >= HEED_MS
    warns = warned is None and since >= WARN_AFTER_MS
    assert (found is not None and found.status is EndpointStatus.FAILED) is ends
    assert (found is not None and found.warn) is warns


def test_who_is_gone_ends_at_once() -> None:
    assert health(endpoint(), NOW, ok=False, gone=True) == Health(NOW, status=EndpointStatus.GONE)


@pytest.mark.parametrize("status", [one for one in EndpointStatus if one != "enabled"])
def test_one_that_is_not_enabled_stays_as_it_is(status: EndpointStatus) -> None:
    old = endpoint(status=status, failing_since=0, warned_at=1)
    for ok, gone in ((True, False), (False, False), (False, True)):
        assert health(old, NOW, ok=ok, gone=gone) is None


@given(
    untils=st.lists(st.none() | st.integers(NOW - 100, NOW + 100), max_size=20),
    grace=st.integers(0, 200),
)
def test_secrets_end_after_the_grace_at_the_latest(untils: list[int | None], grace: int) -> None:
    kept = [Secret(f"old {index}", until) for index, until in enumerate(untils)]
    found = model.rotated(kept, "new", NOW, grace)
    assert found[0] == Secret("new")
    assert len(found) <= SECRETS_MAX
    before = {one.text: one.until for one in kept}
    for one in found[1:]:
        assert one.until is not None
        assert NOW < one.until <= NOW + grace
        assert one.until <= (before[one.text] or NOW + grace)


def test_a_header_is_refused_once_it_is_ours_or_none() -> None:
    bad = ["Host", "WEBHOOK-ID", "Content-Length", "X-Emailit-Signature", "a b", "", "ä", "Expect"]
    assert len(model.check_headers(dict.fromkeys(bad, "x"))) == len(bad)
    assert model.check_headers({"Authorization": "x", "Content-Type": "x", "X-A": ""}) == []
    assert len(model.check_headers({"X-A": "a\nb"})) == 1
