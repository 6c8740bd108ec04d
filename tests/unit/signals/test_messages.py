"""Messages between processes: what is written is read again, and they stay small."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepost.signals.messages import EVERYTHING, WORDS_BYTES_MAX, join, pack, split

TOPICS = st.text(st.characters(codec="utf-8"), max_size=50) | st.binary(max_size=50)


@given(st.lists(st.none() | TOPICS, unique_by=lambda topic: (type(topic), topic)))
def test_what_is_written_is_read_again(topics: list[str | bytes | None]) -> None:
    message = join("somebody", pack(topics).values())
    assert split(message) == ("somebody", topics)


def test_text_and_bytes_are_different_topics() -> None:
    assert len(set(pack(["x", b"x"]).values())) == 2


def test_a_message_takes_the_first_topics_that_fit_and_no_more() -> None:
    topics = [number.to_bytes(16, "big") for number in range(1_000)]
    taken = pack(topics)
    assert list(taken) == topics[: len(taken)]
    size = len(join("", taken.values()))
    one_more = len(join("", pack([topics[0]]).values()))
    assert size <= WORDS_BYTES_MAX < size + one_more


@pytest.mark.parametrize("length", [WORDS_BYTES_MAX // 2, WORDS_BYTES_MAX, WORDS_BYTES_MAX * 9])
def test_a_topic_too_long_for_a_message_rings_everything(length: int) -> None:
    message = join("somebody", pack(["x" * length]).values())
    assert split(message) == ("somebody", [EVERYTHING])


def test_the_longest_topic_fits() -> None:
    topic = b"x" * (WORDS_BYTES_MAX // 2 - 1)
    assert split(join("somebody", pack([topic]).values()))[1] == [topic]


@pytest.mark.parametrize("word", ["*", "", "b0", "bxx", "t", "tff", "x00", "b\u0660\u0660"])
def test_a_word_nobody_knows_rings_everything(word: str) -> None:
    assert split(f"somebody {word}")[1] == ([""] if word == "t" else [EVERYTHING])
