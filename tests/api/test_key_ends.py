"""Rotation, expiry and revocation: an end is true when the call returns."""

import secrets
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.api.admin import Admin, Hammer, instant
from tests.dialects.native.wire import problems_of, refusal_of
from tests.waiting import wait_for


def test_rotation_with_grace_keeps_two_secrets_and_never_three(owner: Admin) -> None:
    made = owner.make()
    second = owner.rotate(made["id"], 3600)["key"]
    assert [owner.ping(one) for one in (made["key"], second)] == [200, 200]
    third = owner.rotate(made["id"], 3600)["key"]
    assert [owner.ping(one) for one in (made["key"], second, third)] == [401, 200, 200]
    fourth = owner.rotate(made["id"])["key"]
    pings = [owner.ping(one) for one in (made["key"], second, third, fourth)]
    assert pings == [401, 401, 401, 200]


def test_grace_ends(owner: Admin) -> None:
    made = owner.make()
    began = time.monotonic()
    second = owner.rotate(made["id"], 1)["key"]
    wait_for(lambda: owner.ping(made["key"]) == 401, "the end of the grace")
    assert time.monotonic() - began >= 1
    assert owner.ping(second) == 200


def test_disabling_and_deleting_end_both_secrets(owner: Admin) -> None:
    made = owner.make()
    both = [made["key"], owner.rotate(made["id"], 3600)["key"]]
    owner.change(made["id"], enabled=False)
    assert [owner.ping(one) for one in both] == [401, 401]
    owner.change(made["id"], enabled=True)
    assert [owner.ping(one) for one in both] == [200, 200]
    owner.delete(made["id"])
    assert [owner.ping(one) for one in both] == [401, 401]


def test_the_old_secret_never_outlives_the_key(owner: Admin) -> None:
    made = owner.make(expiresAt=instant(seconds=1.5))
    assert owner.ping(made["key"]) == 200
    second = owner.rotate(made["id"], 3600)["key"]
    assert owner.ping(second) == 200
    wait_for(lambda: owner.ping(made["key"]) == 401, "the expiry")
    assert owner.ping(second) == 401
    later = owner.change(made["id"], expiresAt=None)
    assert later["expiresAt"] is None
    assert owner.ping(second) == 200
    assert owner.ping(made["key"]) == 401, "the grace ended with the expiry of its time"


@pytest.mark.parametrize("grace", [-1, 604_801, 1.5, "60", None])
def test_grace_has_bounds(owner: Admin, grace: Any) -> None:
    made = owner.make()
    answer = owner.send("POST", f"/v1/keys/{made['id']}/rotate", {"graceSeconds": grace})
    assert problems_of(answer) == [["graceSeconds"]]
    assert owner.ping(made["key"]) == 200


REVOCATIONS: dict[str, Callable[[Admin, dict[str, Any]], Any]] = {
    "disable": lambda owner, key: owner.change(key["id"], enabled=False),
    "rotate": lambda owner, key: owner.rotate(key["id"]),
    "delete": lambda owner, key: owner.delete(key["id"]),
    "other network": lambda owner, key: owner.change(key["id"], allowFrom=["192.0.2.1"]),
    "end of project": lambda owner, key: owner.send("DELETE", f"/v1/projects/{key['projectId']}"),
}


@pytest.mark.parametrize("how", REVOCATIONS)
def test_revocation_is_true_when_the_call_returns(landlord: Admin, how: str) -> None:
    project = landlord.make_project()
    key = landlord.make(projectId=project["id"])
    hammer = Hammer(lambda: landlord.ping(key["key"]))
    after = hammer.around(lambda: REVOCATIONS[how](landlord, key))
    assert len(after) > 100
    assert set(after) == {403 if how == "other network" else 401}


def test_revocation_holds_against_caches_that_are_just_being_filled(owner: Admin) -> None:
    """Other changes empty the cache all the time, so that look-ups race with the revocation."""
    key, busy = owner.make(), owner.make()
    stop = threading.Event()

    def churn() -> None:
        while not stop.is_set():
            owner.change(busy["id"], metadata={"turn": secrets.token_hex(4)})

    churning = threading.Thread(target=churn)
    churning.start()
    try:
        after = Hammer(lambda: owner.ping(key["key"])).around(lambda: owner.delete(key["id"]))
    finally:
        stop.set()
        churning.join()
    assert len(after) > 100
    assert set(after) == {401}


def test_a_key_can_end_itself_once(owner: Admin) -> None:
    made = owner.make()
    itself = owner.using(made["key"])
    assert itself.delete(made["id"])["deleted"] is True
    refusal_of(itself.send("DELETE", f"/v1/keys/{made['id']}"), 401, "unauthorized", "Unauthorized")
