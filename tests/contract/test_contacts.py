"""Contacts by the hundreds, narrowed and counted, on both engines."""

from typing import Any

import pytest

from gatepost.base import ids
from gatepost.base.errors import AppError, Code
from gatepost.base.ids import AccountId, AudienceId
from gatepost.domains.audit import store as audit
from gatepost.domains.audit.model import Actor
from gatepost.domains.contacts import audiences, model, store, subscribers
from gatepost.domains.contacts.filters import Sift, Term
from gatepost.domains.contacts.model import Audience, Given
from gatepost.engine import audience, gather
from gatepost.engine.gather import Merged
from gatepost.storage.backend import Backend
from gatepost.storage.db import Tx

MANY = 2_500
ACTOR = Actor("cli", "", "somebody")


@pytest.fixture
def account() -> AccountId:
    return AccountId(ids.new())


def merged(tx: Tx, account: AccountId, given: list[Given], *audience_ids: AudienceId) -> Any:
    return gather.merge(tx, account, given, audience_ids, ACTOR, 7)


def listed(tx: Tx, account: AccountId, *terms: Term, **more: Any) -> list[str]:
    sift = Sift(terms=terms, **{"limit": 100} | more)
    return [one.email for one in store.list_(tx, account, sift)]


def test_many_are_made_and_then_added_to(backend: Backend, account: AccountId) -> None:
    given = [Given(email=f"{i}@example.com", custom_fields={"row": i}) for i in range(MANY)]
    with backend.write() as tx:
        news = audience.create(tx, account, "News", ACTOR, 1)
        made = merged(tx, account, given, news.id)
    assert all(one.made and len(one.joined) == 1 for one in made)
    assert [one.contact.email for one in made] == [one.email for one in given]
    again = [Given(email=one.email, first_name="Ann") for one in given[: MANY // 2]]
    fresh = Given(email="new@example.com", custom_fields={"a": 1})
    with backend.write() as tx:
        more = merged(tx, account, [*again, *again, fresh], news.id)
    assert [(one.made, one.changed) for one in more[:2]] == [(False, True)] * 2
    assert more[-1].made
    with backend.read() as tx:
        assert store.count(tx, account) == MANY + 1
        assert audiences.get(tx, account, news.id).subscribers == MANY + 1
        found = store.by_emails(tx, account, [one.email for one in given])
        assert len(found) == MANY
        first = found["0@example.com"]
        assert (first.first_name, first.custom_fields, first.updated_at) == ("Ann", {"row": 0}, 7)
        lines = audit.list_(tx, account, audit.Narrow(action="contact.import"), limit=10)
        assert [one.after for one in lines] == [
            {"made": 1, "changed": MANY // 2},
            {"made": MANY, "changed": 0},
        ]


def test_one_that_cannot_be_refuses_itself_alone(
    backend: Backend, account: AccountId, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model, "CONTACTS_MAX", 2)
    given = [
        Given(email="a@example.com", first_name="x" * 256),
        Given(email="b@example.com"),
        Given(email="a@example.com", first_name="Ann"),
        Given(email="c@example.com"),
        Given(email="b@example.com", last_name="Bee"),
    ]
    with backend.write() as tx:
        made = merged(tx, account, given)
    assert [one.code if isinstance(one, AppError) else one.contact.email for one in made] == [
        Code.INVALID,
        "b@example.com",
        "a@example.com",
        Code.CONFLICT,
        "b@example.com",
    ]
    assert isinstance(made[4], Merged)
    assert made[4].contact.last_name == "Bee"
    with backend.read() as tx:
        assert store.count(tx, account) == 2


def test_an_audience_that_is_not_there(backend: Backend, account: AccountId) -> None:
    other = AccountId(ids.new())
    with backend.write() as tx:
        theirs = audience.create(tx, other, "News", ACTOR, 1)
        with pytest.raises(AppError) as refused:
            merged(tx, account, [Given(email="a@example.com")], theirs.id)
    assert refused.value.code is Code.NOT_FOUND


PEOPLE = [
    Given(email="ann@example.com", first_name="Ann", last_name="100% O_K", unsubscribed=True),
    Given(email="bob@example.org", first_name="bob"),
    Given(email="émile@example.com", first_name="Émile", last_name=""),
]
NARROWED = [
    (Term("email", "exact", "ANN@example.com"), ["ann@example.com"]),
    (Term("email", "ends_with", ".org"), ["bob@example.org"]),
    (Term("first_name", "exact", "BOB"), ["bob@example.org"]),
    (Term("first_name", "starts_with", "a"), ["ann@example.com"]),
    (Term("first_name", "contains", "MIL"), ["émile@example.com"]),
    (Term("first_name", "starts_with", "É"), ["émile@example.com"]),
    (Term("last_name", "contains", "0%"), ["ann@example.com"]),
    (Term("last_name", "contains", "o_k"), ["ann@example.com"]),
    (Term("last_name", "contains", "oxk"), []),
    (Term("last_name", "empty", ""), ["émile@example.com", "bob@example.org"]),
    (Term("last_name", "not_contains", "%"), ["émile@example.com", "bob@example.org"]),
    (Term("unsubscribed", "exact", True), ["ann@example.com"]),
    (Term("created_at", "before", 8), [one.email for one in reversed(PEOPLE)]),
    (Term("created_at", "gt", 7), []),
    (Term("shoe_size", "exact", "43"), [one.email for one in reversed(PEOPLE)]),
]


def test_narrowed_lists(backend: Backend, account: AccountId) -> None:
    with backend.write() as tx:
        merged(tx, account, PEOPLE)
    with backend.read() as tx:
        for term, wanted in NARROWED:
            assert listed(tx, account, term) == wanted, term
        both = (Term("first_name", "exact", "ann"), Term("first_name", "exact", "bob"))
        assert listed(tx, account, *both) == []
        assert len(listed(tx, account, *both, either=True)) == 2
        assert listed(tx, account, search="EXAMPLE.ORG") == ["bob@example.org"]
        assert listed(tx, account, order="email") == sorted(one.email for one in PEOPLE)
        assert listed(tx, account, order="last_name", descending=True)[0] == "ann@example.com"
        assert listed(tx, account, limit=1, offset=1) == ["bob@example.org"]


def test_a_deleted_audience_is_forgotten_bit_by_bit(backend: Backend, account: AccountId) -> None:
    given = [Given(email=f"{i}@example.com") for i in range(25)]
    with backend.write() as tx:
        gone = audience.create(tx, account, "News", ACTOR, 1)
        stays = audience.create(tx, account, "Other", ACTOR, 1)
        merged(tx, account, given, gone.id, stays.id)
        audience.end(tx, audiences.get(tx, account, gone.id), ACTOR, 2)
        again = audience.create(tx, account, "News", ACTOR, 3)
        assert [one.id for one in audiences.list_(tx, account)] == [again.id, stays.id]
        ann = store.by_emails(tx, account, ["0@example.com"])["0@example.com"]
        on = subscribers.memberships(tx, account, [ann.id])[ann.id]
        assert [one.audience for one in on] == ["Other"]
    steps = 0
    done = False
    while not done:
        with backend.write() as tx:
            assert audiences.deleted(tx, account) == [gone.id]
            done = audiences.forget(tx, account, gone.id, 10)
        steps += 1
    assert steps == 3
    with backend.read() as tx:
        assert audiences.deleted(tx, account) == []
        assert audiences.get(tx, account, stays.id).subscribers == 25


def test_one_is_forgotten_with_its_memberships(backend: Backend, account: AccountId) -> None:
    with backend.write() as tx:
        on: Audience = audience.create(tx, account, "News", ACTOR, 1)
        made = merged(tx, account, [Given(email=f"{i}@example.com") for i in range(3)], on.id)
        gather.end(tx, account, [made[0].contact.id, made[1].contact.id], ACTOR, 8)
    with backend.read() as tx:
        assert store.count(tx, account) == 1
        assert audiences.get(tx, account, on.id).subscribers == 1
        left = subscribers.list_(tx, account, on.id, Sift(limit=10))
        assert [one.contact.email for one in left] == ["2@example.com"]
        lines = audit.list_(tx, account, audit.Narrow(action="contact.delete"), limit=10)
        assert len(lines) == 2
        assert "example.com" not in repr(lines)
