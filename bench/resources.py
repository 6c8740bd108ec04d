"""What a simulation is made of: time, cores, an interpreter's threads, rows that are locked, a log.

Times are seconds. Whoever does something is told when it is done, by a call.
"""

import heapq
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

TURN_S = 0.001
"""A thread keeps the interpreter for so long while another one waits."""

Then = Callable[[], None]


class Clock:
    """The future, in order."""

    def __init__(self) -> None:
        self.now = 0.0
        self._count = 0
        self._events: list[tuple[float, int, Then]] = []

    def after(self, seconds: float, then: Then) -> None:
        self._count += 1
        heapq.heappush(self._events, (self.now + seconds, self._count, then))

    def run(self, until: float) -> None:
        events = self._events
        while events and events[0][0] <= until:
            self.now, _, then = heapq.heappop(events)
            then()
        self.now = until


class Cores:
    """So many at a time, the rest in line."""

    def __init__(self, clock: Clock, count: int) -> None:
        self.busy_s = 0.0
        self.count = count
        self._clock = clock
        self._free = count
        self._line: deque[tuple[float, Then]] = deque()

    def do(self, seconds: float, then: Then) -> None:
        if self._free:
            self._free -= 1
            self._start(seconds, then)
        else:
            self._line.append((seconds, then))

    def _start(self, seconds: float, then: Then) -> None:
        self.busy_s += seconds
        self._clock.after(seconds, lambda: self._end(then))

    def _end(self, then: Then) -> None:
        if self._line:
            self._start(*self._line.popleft())
        else:
            self._free += 1
        then()


class Thread:
    """A thread of a server: its tasks, in order."""

    def __init__(self, interpreter: "Interpreter") -> None:
        self.tasks: deque[list[Any]] = deque()
        self.active = False
        self._interpreter = interpreter

    def do(self, seconds: float, then: Then) -> None:
        self.tasks.append([seconds, then])
        if not self.active:
            self.active = True
            self._interpreter.wake(self)


class Interpreter:
    """One thread at a time, each for a turn while others wait."""

    def __init__(self, run: Callable[[float, Then], None]) -> None:
        self.busy_s = 0.0
        self._run = run
        self._ready: deque[Thread] = deque()
        self._working = False
        self._turn_s = 0.0

    def wake(self, thread: Thread) -> None:
        self._ready.append(thread)
        if not self._working:
            self._next()

    def _next(self) -> None:
        self._working = bool(self._ready)
        if self._working:
            self._turn_s = TURN_S
            self._slice(self._ready.popleft())

    def _slice(self, thread: Thread) -> None:
        seconds = min(thread.tasks[0][0], self._turn_s)
        self.busy_s += seconds
        self._run(seconds, lambda: self._done(thread, seconds))

    def _done(self, thread: Thread, seconds: float) -> None:
        task = thread.tasks[0]
        task[0] -= seconds
        self._turn_s -= seconds
        if task[0] <= 0:
            thread.tasks.popleft()
            task[1]()
        if thread.tasks and (self._turn_s > 0 or not self._ready):
            self._turn_s = self._turn_s if self._turn_s > 0 else TURN_S
            self._slice(thread)
            return
        thread.active = bool(thread.tasks)
        if thread.active:
            self._ready.append(thread)
        self._next()


class Rows:
    """Rows that one transaction at a time may change, and who waits for each."""

    def __init__(self) -> None:
        self._held: dict[int, deque[Then]] = {}

    def lock(self, rows: Sequence[int], then: Then, at: int = 0) -> None:
        """Take them in order."""
        for place in range(at, len(rows)):
            line = self._held.get(rows[place])
            if line is not None:
                line.append(lambda: self.lock(rows, then, place + 1))  # noqa: B023 # it returns
                return
            self._held[rows[place]] = deque()
        then()

    def release(self, rows: Sequence[int]) -> None:
        for row in rows:
            line = self._held[row]
            if line:
                line.popleft()()
            else:
                del self._held[row]


class Log:
    """One sync at a time; all commits that wait share the next."""

    def __init__(self, clock: Clock, seconds: Callable[[], float]) -> None:
        self.busy_s = 0.0
        self._clock = clock
        self._seconds = seconds
        self._waiting: list[Then] = []
        self._busy = False

    def sync(self, then: Then) -> None:
        self._waiting.append(then)
        if not self._busy:
            self._start()

    def _start(self) -> None:
        shared, self._waiting = self._waiting, []
        self._busy, seconds = True, self._seconds()
        self.busy_s += seconds
        self._clock.after(seconds, lambda: self._end(shared))

    def _end(self, shared: list[Then]) -> None:
        self._busy = False
        if self._waiting:
            self._start()
        for then in shared:
            then()
