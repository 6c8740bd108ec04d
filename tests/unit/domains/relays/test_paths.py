"""Path templates: what fits them, which overlap, and what leads out of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepost.domains.relays import paths

SEGMENTS = st.lists(st.sampled_from(["a", "b", "{x}", "{y}"]), min_size=1, max_size=4, unique=True)
OPEN = st.booleans()


def template(segments: list[str], *, is_open: bool) -> str:
    return "/" + "/".join([*segments, *(["*"] if is_open else [])])


@pytest.mark.parametrize(
    ("pattern", "path", "found"),
    [
        ("/a", "/a", {}),
        ("/a", "/%61", {}),
        ("/a", "/a/", None),
        ("/a/{x}", "/a/b%2Fc", {"x": "b%2Fc"}),
        ("/a/{x}", "/a/", None),
        ("/a/*", "/a", None),
        ("/a/*", "/a/", {"*": ""}),
        ("/a/*", "/a/b//c", {"*": "b//c"}),
        ("/{x}/*", "/a/b/c", {"x": "a", "*": "b/c"}),
    ],
)
def test_what_fits(pattern: str, path: str, found: dict[str, str] | None) -> None:
    assert paths.match(paths.split(pattern), paths.split(path)) == found


@given(SEGMENTS, OPEN, SEGMENTS, OPEN)
def test_two_overlap_where_some_path_fits_both(
    one: list[str], one_open: bool, other: list[str], other_open: bool
) -> None:
    left, right = template(one, is_open=one_open), template(other, is_open=other_open)
    tries: list[list[str]] = [[]]
    for _ in range(6):
        tries += [[*known, more] for known in tries[-(3**6) :] for more in ("a", "b")]
    some = any(
        paths.match(paths.split(left), known) is not None
        and paths.match(paths.split(right), known) is not None
        for known in tries
    )
    assert paths.overlaps(left, right) is some
    assert paths.overlaps(right, left) is some


@given(SEGMENTS, OPEN)
def test_a_template_filled_with_what_was_found_is_the_path(
    segments: list[str], is_open: bool
) -> None:
    pattern = template(segments, is_open=is_open)
    path = pattern.replace("{x}", "one%20x").replace("{y}", "2").replace("*", "r/e//st")
    found = paths.match(paths.split(pattern), paths.split(path))
    assert found is not None
    assert paths.fill(pattern, found) == path


@pytest.mark.parametrize("value", ["..", "%2e.", "a/../b", "a%2f%2E%2e", ".", "%252e%252e", "\\.."])
def test_ways_up_are_not_safe(value: str) -> None:
    assert not paths.is_safe(["fine", value])


@pytest.mark.parametrize("value", ["...", "a..b", "a%2fb", "", "a//b", "~.x"])
def test_others_are(value: str) -> None:
    assert paths.is_safe([value])
