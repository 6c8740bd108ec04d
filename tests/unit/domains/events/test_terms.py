"""The terms an event is found by."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepost.base import ids
from gatepost.base.ids import ChannelId, EventId, ProjectId
from gatepost.domains.events import terms
from gatepost.domains.events.model import Event

BASE = Event(
    project_id=ProjectId(ids.new()),
    id=EventId(ids.new()),
    channel_id=ChannelId(ids.new()),
    channel_name="payments",
    title="t",
    description=None,
    icon=None,
    tags_json="[]",
    metadata_json="{}",
    user_id=None,
    notify=True,
    source="api",
    display_as="message",
)


def event(metadata: Any = None, **fields: Any) -> Event:
    if metadata is not None:
        fields["metadata_json"] = json.dumps(metadata)
    return msgspec.structs.replace(BASE, **fields)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Payment received", ["payment", "received"]),
        ("Zürich ZURICH zu\u0308rich", ["zurich"]),
        ("Straße STRASSE", ["strasse"]),
        ("a-b_c d.e", ["a", "b_c", "d", "e"]),
        ("ﬁrst", ["first"]),
        ("東京 タワー", ["東京", "タワー"]),
        ("!? …", []),
    ],
)
def test_words(text: str, expected: list[str]) -> None:
    assert terms.words(text) == expected


def test_kinds_do_not_meet() -> None:
    kinds = [terms.channel, terms.user, terms.tag, terms.word]
    assert len({kind(BASE.project_id, "same") for kind in kinds}) == len(kinds)


def test_an_event_has_a_term_for_all_it_can_be_found_by() -> None:
    found = terms.of(
        event(
            {"plan": "pro", "user": {"age": 42, "ok": True, "gone": None}, "list": [1, "x", {}]},
            title="Hello",
            description="big World",
            tags_json='["one","Two"]',
            user_id="u",
        )
    )
    values = [
        ("plan", "pro"),
        ("user.age", "42"),
        ("user.ok", "true"),
        ("user.gone", "null"),
        ("list", "1"),
        ("list", "x"),
    ]
    assert found == {
        terms.channel(BASE.project_id, "payments"),
        terms.user(BASE.project_id, "u"),
        *(terms.tag(BASE.project_id, name) for name in ("one", "Two")),
        *(terms.word(BASE.project_id, text) for text in ("hello", "big", "world")),
        *(terms.metadata(BASE.project_id, path, value) for path, value in values),
    }


def test_the_order_of_metadata_is_that_of_the_object() -> None:
    nested = {"a": {f"k{n}": n for n in range(200)}, "b": {f"k{n}": n for n in range(100)}}
    found = terms.of(event(nested))
    assert terms.metadata(BASE.project_id, "b.k55", "55") in found
    assert terms.metadata(BASE.project_id, "b.k56", "56") not in found


@pytest.mark.parametrize("depth", [40, 400, 5000])
def test_deep_metadata_is_no_fault(depth: int) -> None:
    text = '{"a":' * depth + "1" + "}" * depth
    assert terms.channel(BASE.project_id, "payments") in terms.of(event(metadata_json=text))


def test_what_follows_deep_metadata_is_found() -> None:
    deep: Any = 1
    for _ in range(40):
        deep = {"a": deep}
    assert terms.metadata(BASE.project_id, "z", "last") in terms.of(event({"a": deep, "z": "last"}))


@given(st.text(max_size=300), st.text(max_size=300))
def test_every_word_of_both_texts_is_a_term(title: str, description: str) -> None:
    found = terms.of(event(title=title, description=description))
    for text in (title, description):
        assert all(terms.word(BASE.project_id, one) in found for one in terms.words(text))


@given(st.text(max_size=200))
def test_folding_again_changes_nothing(text: str) -> None:
    for one in terms.words(text):
        assert terms.words(one) == [one]
