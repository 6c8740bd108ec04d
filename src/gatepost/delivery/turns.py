"""Whose turn it is when not all can be sent at once. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator

from gatepost.base.ids import AccountId
from gatepost.delivery.line import Line


def turns(lines: Iterable[Line], slots: int, now: int) -> Iterator[Line]:
    """Give up to so many turns: accounts take them one after the other, and each gives its turn
    to its line that has waited the longest, so that nobody's backlog delays somebody else.

    A line must take its job before the next turn is asked for.
    """
    accounts: dict[AccountId, list[Line]] = {}
    for line in lines:
        if line.jobs and line.free(now):
            accounts.setdefault(line.place.account_id, []).append(line)
    waiting = deque(accounts.values())
    while waiting and slots > 0:
        mine = waiting.popleft()
        first = min(mine, key=Line.rank)
        yield first
        slots -= 1
        if not first.free(now):
            mine.remove(first)
        if mine:
            waiting.append(mine)
