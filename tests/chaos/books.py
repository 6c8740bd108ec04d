"""What clients asked for, what they were told, and whether that is what came of it."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from tests.chaos.cluster import Node

STORED = (200, 201)
CONFLICT = 409
UNAVAILABLE = 503
LATER = (429, UNAVAILABLE)
HANG_S = 10.0
"""Longer than this nobody may wait for an answer."""


@dataclass(frozen=True)
class Answer:
    """One request to one node, by the client's clock. Status 0: the connection broke, or silence.

    `event` is the id that a success has named.
    """

    order: str
    node: str
    asked: float
    answered: float
    status: int
    event: str | None = None
    retry_after_s: float | None = None
    fault: str = ""

    @property
    def final(self) -> bool:
        return self.status not in (0, *LATER)

    def __str__(self) -> str:
        took_s = self.answered - self.asked
        return f"{self.order} at {self.node}: {self.status} {self.fault} after {took_s:.1f} s"


@dataclass(frozen=True)
class Outage:
    """A time within which a limit may be exceeded, and how many units it may admit then."""

    began: float
    ended: float
    bound: int


@dataclass
class Books:
    """Every order (its idempotency key and its event's title), and every answer."""

    name: str = "order"
    orders: set[str] = field(default_factory=set)
    answers: list[Answer] = field(default_factory=list)
    acknowledged: dict[str, str] = field(default_factory=dict)
    """Order → event id."""
    newest: dict[str, float] = field(default_factory=dict)
    """Node → when its newest success was asked for."""
    problems: list[str] = field(default_factory=list)

    def order(self) -> str:
        made = f"{self.name}-{len(self.orders)}"
        self.orders.add(made)
        return made

    def note(self, answer: Answer) -> None:
        self.answers.append(answer)
        if answer.status in STORED:
            self.newest[answer.node] = max(answer.asked, self.newest.get(answer.node, 0.0))
        if answer.status in STORED and answer.event is not None:
            first = self.acknowledged.setdefault(answer.order, answer.event)
            if first != answer.event:
                self.problems.append(f"{answer}: {answer.event}, but first {first}")

    def served(self, node: Node, since: float) -> bool:
        """Whether the node has stored or read what was asked for later."""
        return self.newest.get(node.name, 0.0) > since

    def refused(self, node: Node, since: float) -> bool:
        """Whether the node has said 503 to a request that came later."""
        return any(
            one.status == UNAVAILABLE and one.node == node.name and one.asked > since
            for one in list(self.answers)
        )

    # What is promised

    def unexpected(self) -> list[str]:
        """Answers that are none of 2xx, 409, 429 and 503, or do not say when to come back."""
        bad = []
        for answer in self.answers:
            if answer.status in LATER and not answer.retry_after_s:
                bad.append(f"{answer}: no Retry-After")
            elif answer.status not in (0, *STORED, CONFLICT, *LATER):
                bad.append(str(answer))
        return bad

    def broken_off(self, nodes: Iterable[Node]) -> list[str]:
        """Connections that broke, or stayed silent, although the process lived all the time."""
        known = {node.name: node for node in nodes}
        return [
            str(one)
            for one in self.answers
            if not one.status and not known[one.node].was_dead(one.asked, one.answered)
        ]

    def hung(self) -> list[str]:
        return [str(one) for one in self.answers if one.answered - one.asked > HANG_S]

    def audit(self, stored: Sequence[tuple[str, str]]) -> list[str]:
        """Hold (event id, title) of all that can be read against what was asked and answered."""
        ids = Counter(event for event, _ in stored)
        titles = Counter(title for _, title in stored)
        by_title = {title: event for event, title in stored}
        found = [f"read twice: {event}" for event, times in ids.items() if times > 1]
        found += [f"stored twice: {title}" for title, times in titles.items() if times > 1]
        found += [f"nobody asked for {title}" for title in titles.keys() - self.orders]
        for order, event in self.acknowledged.items():
            if by_title.get(order) != event:
                found.append(f"lost: {order}, acknowledged as {event}")
        return found + self.problems

    # Limits

    def exceeded(self, limit: int, seconds: int, outages: Sequence[Outage] = ()) -> list[str]:
        """Windows in which surely more was admitted than they allow."""
        found = []
        for start, admitted in self._windows(seconds):
            touched = [one for one in outages if one.began < start + seconds and start < one.ended]
            bound = max([limit, *(one.bound for one in touched)])
            if admitted > bound:
                found.append(f"{admitted} in the {seconds} s from {start:.2f} on, not {bound}")
        return found

    def most_admitted(self, seconds: int) -> int:
        return max(admitted for _, admitted in self._windows(seconds))

    def _windows(self, seconds: int) -> list[tuple[float, int]]:
        """Each window that begins with an admitted request, and how many surely lie in it.

        A request was charged at some time between its two ends, so it surely lies in a window
        that holds both of them.
        """
        passed = [one for one in self.answers if one.status in STORED]
        asked = sorted(one.asked for one in passed)
        answered = sorted(one.answered for one in passed)
        return [
            (at, max(0, bisect_left(answered, at + seconds) - place))
            for place, at in enumerate(asked)
        ]
