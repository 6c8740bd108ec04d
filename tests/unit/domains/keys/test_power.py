"""Whether one key can do more than another."""

from typing import Any

import pytest

from gatepost.base.ids import AccountId, KeyId, ProjectId
from gatepost.domains.keys.model import Format, Key
from gatepost.domains.keys.power import excess, power_of, within
from gatepost.domains.keys.scopes import PRESETS, Scope, check, expand
from gatepost.domains.plans.model import parse_limits

PROJECT, OTHER = ProjectId(b"p" * 16), ProjectId(b"q" * 16)
PLAN = parse_limits("100/60s")


def key(**members: Any) -> Key:
    return Key(
        id=KeyId(b"k" * 16),
        account_id=AccountId(b"a" * 16),
        name="key",
        format=Format.NATIVE,
        start="gp_live_",
        created_at=0,
        updated_at=0,
        **{"project_id": None, "scopes": ("full",), **members},
    )


def beyond(mine: Key, other: Key) -> list[Any]:
    found = excess(power_of(mine, PLAN), power_of(other, PLAN))
    return [path[0] for path, _ in found]


@pytest.mark.parametrize(
    ("mine", "other", "members"),
    [
        ({}, {}, []),
        ({"scopes": ("events",)}, {"scopes": ("events:write",)}, []),
        (
            {"scopes": ("events:write", "identities:write", "counts:write")},
            {"scopes": ("events",)},
            [],
        ),
        ({"scopes": ("events",)}, {"scopes": ("full",)}, ["scopes"]),
        ({"scopes": ("read",)}, {"scopes": ("events",)}, ["scopes"]),
        ({}, {"project_id": PROJECT}, []),
        ({"project_id": PROJECT}, {"project_id": PROJECT}, []),
        ({"project_id": PROJECT}, {}, ["projectId"]),
        ({"project_id": PROJECT}, {"project_id": OTHER}, ["projectId"]),
        ({"sending_domain": "a.org"}, {"sending_domain": "a.org"}, []),
        ({"sending_domain": "a.org"}, {}, ["sendingDomain"]),
        ({"sending_domain": "a.org"}, {"sending_domain": "b.a.org"}, ["sendingDomain"]),
        ({"expires_at": 5}, {"expires_at": 5}, []),
        ({"expires_at": 5}, {"expires_at": 6}, ["expiresAt"]),
        ({"expires_at": 5}, {}, ["expiresAt"]),
        ({}, {"expires_at": 5}, []),
        ({"limits": ()}, {}, []),
        ({}, {"limits": ()}, ["limits"]),
        ({}, {"limits": parse_limits("100/60s")}, []),
        ({}, {"limits": parse_limits("101/60s")}, ["limits"]),
        ({"limits": parse_limits("10/60s")}, {}, ["limits"]),
        ({"allow_from": ("10.0.0.0/8",)}, {"allow_from": ("10.2.0.0/16", "10.1.1.1/32")}, []),
        ({"allow_from": ("10.0.0.0/8",)}, {}, ["allowFrom"]),
        ({"allow_from": ("10.0.0.0/8",)}, {"allow_from": ("0.0.0.0/0",)}, ["allowFrom"]),
        ({"allow_from": ("10.0.0.0/8",)}, {"allow_from": ("::/0",)}, ["allowFrom"]),
        ({"allow_from": ("::/0",)}, {"allow_from": ("10.0.0.0/8",)}, ["allowFrom"]),
        ({}, {"allow_from": ("10.0.0.0/8",)}, []),
        ({"project_id": PROJECT, "expires_at": 1}, {}, ["projectId", "expiresAt"]),
    ],
)
def test_excess(mine: dict[str, Any], other: dict[str, Any], members: list[str]) -> None:
    assert beyond(key(**mine), key(**other)) == members


@pytest.mark.parametrize(
    ("limits", "bounds", "holds"),
    [
        ("10/60s", "10/60s", True),
        ("10/60s", "10/59s", True),
        ("10/60s", "10/61s", False),
        ("5/30s", "10/60s", True),
        ("5/29s", "10/60s", False),
        ("1/1s", "60/60s", True),
        ("1/1s", "59/60s", False),
        ("100/1s,10/60s", "10/60s", True),
        ("10/60s", "10/60s,1000/1d", False),
        ("10/60s,1000/1d", "10/60s,1000/1d", True),
        ("off", "10/60s", False),
        ("off", "off", True),
        ("10/60s", "off", True),
    ],
)
def test_limits_keep_to_bounds_in_every_stretch_of_time(
    limits: str, bounds: str, holds: bool
) -> None:
    assert within(parse_limits(limits), parse_limits(bounds)) is holds


def test_scopes_are_denied_unless_named() -> None:
    assert expand([]) == {Scope.ANY}
    assert expand(["no-longer-known", "any"]) == {Scope.ANY}
    assert expand(["full"]) == set(Scope)
    assert expand(["sending"]) == {Scope.ANY, Scope.MESSAGES_SEND}
    assert expand(["events", "audit:read"]) == {
        Scope.ANY,
        Scope.EVENTS_WRITE,
        Scope.IDENTITIES_WRITE,
        Scope.COUNTS_WRITE,
        Scope.AUDIT_READ,
    }
    assert all(scope.endswith(":read") for scope in PRESETS["read"])
    assert check(["read", "read", "events"]) == ("read", "events")
