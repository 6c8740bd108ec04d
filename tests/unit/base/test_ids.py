"""Ids: their order, their moment, and the place that stands for one."""

from hypothesis import given
from hypothesis import strategies as st

from gatepost.base import ids

MOMENTS = st.integers(0, 2**44)


@given(st.lists(MOMENTS, min_size=2, max_size=20))
def test_places_are_in_the_order_of_ids(moments: list[int]) -> None:
    made = [ids.new_at(moment) for moment in moments]
    assert sorted(made) == sorted(made, key=lambda raw: (ids.place_of(raw), raw))
    assert all(0 <= ids.place_of(raw) < 2**63 for raw in made)


@given(MOMENTS)
def test_an_id_lies_at_its_place(moment: int) -> None:
    raw = ids.new_at(moment)
    low, high = ids.at_place(ids.place_of(raw))
    assert low <= raw <= high
    assert ids.place_of(low) == ids.place_of(high) == ids.place_of(raw)
    assert ids.time_of(raw) == moment


@given(MOMENTS)
def test_a_moment_begins_at_its_floor(moment: int) -> None:
    assert ids.place_of(ids.floor_at(moment)) <= ids.place_of(ids.new_at(moment))
    assert ids.place_of(ids.floor_at(moment + 1)) > ids.place_of(ids.new_at(moment))


def test_ids_of_one_millisecond_have_places_of_their_own() -> None:
    made = [ids.new_at(1_700_000_000_000) for _ in range(100_000)]
    assert len({ids.place_of(raw) for raw in made}) == len(made)


def test_an_id_is_a_uuid_of_version_7() -> None:
    raw = ids.new_at(1_700_000_000_000)
    assert raw[6] >> 4 == 7
    assert raw[8] >> 6 == 0b10
