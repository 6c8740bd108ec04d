"""Callers are remembered for a moment, and never past a revocation."""

from gatepost.gate.keycache import ENTRIES_MAX, TTL_S, KeyCache


def test_an_entry_lives_for_its_time_from_the_reading_on() -> None:
    now = [5.0]
    cache: KeyCache[str] = KeyCache(lambda: now[0])
    cache.put(b"one", "caller", cache.generation, since=4.5)
    cache.put(b"two", None, cache.generation, since=4.5)
    now[0] = 4.5 + TTL_S - 0.001
    assert cache.get(b"one") == ("caller", 4.5 + TTL_S)
    assert cache.get(b"two") == (None, 4.5 + TTL_S), "an unknown secret is remembered too"
    now[0] = 4.5 + TTL_S
    assert cache.get(b"one") is None
    assert cache.get(b"two") is None


def test_what_was_read_before_a_revocation_is_not_kept_after_it() -> None:
    cache: KeyCache[str] = KeyCache(lambda: 0.0)
    before = cache.generation
    cache.put(b"one", "caller", before, since=0)
    cache.clear()
    assert cache.get(b"one") is None
    cache.put(b"one", "caller", before, since=0)
    assert cache.get(b"one") is None
    cache.put(b"one", "caller", cache.generation, since=0)
    assert cache.get(b"one") is not None


def test_it_stays_small() -> None:
    cache: KeyCache[str] = KeyCache(lambda: 0.0)
    for number in range(ENTRIES_MAX + 10):
        cache.put(number.to_bytes(4, "big"), None, cache.generation, since=0)
    assert cache.get((0).to_bytes(4, "big")) is None
    assert cache.get((ENTRIES_MAX + 9).to_bytes(4, "big")) is not None
