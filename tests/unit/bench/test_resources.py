"""What a simulation is made of."""

from collections.abc import Callable

import pytest

from bench.resources import TURN_S, Clock, Cores, Interpreter, Log, Rows, Thread


class Diary:
    """Notes what happens, and when."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.lines: list[tuple[str, float]] = []

    def note(self, what: str) -> Callable[[], None]:
        return lambda: self.lines.append((what, round(self.clock.now, 9)))


@pytest.fixture
def diary() -> Diary:
    return Diary()


def test_what_comes_at_the_same_moment_comes_in_order(diary: Diary) -> None:
    for what in ("first", "second"):
        diary.clock.after(1, diary.note(what))
    diary.clock.after(0.5, diary.note("before"))
    diary.clock.run(2)
    assert diary.lines == [("before", 0.5), ("first", 1), ("second", 1)]
    assert diary.clock.now == 2


def test_two_cores_do_two_things_at_a_time(diary: Diary) -> None:
    cores = Cores(diary.clock, 2)
    for what in "abc":
        cores.do(1, diary.note(what))
    diary.clock.run(9)
    assert diary.lines == [("a", 1), ("b", 1), ("c", 2)]
    assert cores.busy_s == 3


def test_threads_share_an_interpreter_in_turns(diary: Diary) -> None:
    interpreter = Interpreter(diary.clock.after)
    loop, writer = Thread(interpreter), Thread(interpreter)
    loop.do(5 * TURN_S, diary.note("loop"))
    writer.do(TURN_S / 2, diary.note("writer"))
    diary.clock.run(1)
    assert diary.lines == [("writer", 1.5 * TURN_S), ("loop", 5.5 * TURN_S)]
    assert interpreter.busy_s == pytest.approx(5.5 * TURN_S)


def test_a_thread_does_its_tasks_in_order(diary: Diary) -> None:
    thread = Thread(Interpreter(diary.clock.after))
    thread.do(2 * TURN_S, diary.note("first"))
    thread.do(TURN_S, diary.note("second"))
    diary.clock.run(1)
    assert [what for what, _ in diary.lines] == ["first", "second"]


def test_a_row_is_held_by_one_at_a_time_and_passed_on_in_order(diary: Diary) -> None:
    rows = Rows()
    rows.lock([1, 2], diary.note("a"))
    rows.lock([2, 3], diary.note("b"))
    rows.lock([2], diary.note("c"))
    rows.lock([4], diary.note("d"))
    assert [what for what, _ in diary.lines] == ["a", "d"]
    rows.release([1, 2])
    assert [what for what, _ in diary.lines] == ["a", "d", "b"]
    rows.release([2, 3])
    assert [what for what, _ in diary.lines] == ["a", "d", "b", "c"]
    rows.release([2])
    rows.lock([2], diary.note("e"))
    assert diary.lines[-1][0] == "e"


def test_who_comes_during_a_sync_shares_the_next(diary: Diary) -> None:
    log = Log(diary.clock, lambda: 1.0)
    log.sync(diary.note("a"))
    diary.clock.run(0.5)
    for what in "bc":
        log.sync(diary.note(what))
    diary.clock.run(9)
    assert diary.lines == [("a", 1), ("b", 2), ("c", 2)]
    assert log.busy_s == 2
