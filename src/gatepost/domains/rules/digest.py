"""When an alert is told: at once, together with others, at a fixed time, not in quiet hours. Pure.

Moments in ms. What is held is told once, in one piece, whatever was set back meanwhile: a clock,
or a process.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from gatepost.base.clock import SECOND_MS
from gatepost.domains.rules.alerts_words import Item
from gatepost.domains.rules.calendar import Daily, Hours, Span
from gatepost.domains.rules.model import Spec, Then, Urgency

SLOTS = 32
"""Of the latest digests it is known that they were sent."""
ITEMS_MAX = 50
"""What is held beyond these is only counted."""


class Fate(StrEnum):
    """What becomes of an alert now."""

    TELL = "tell"
    HOLD = "hold"
    DROP = "drop"


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """When a rule's alerts are told. `group_ms` is 0 where each is told by itself."""

    daily: Daily | None = None
    group_ms: int = 0
    quiet: Hours | None = None
    drop: bool = False
    urgent: bool = False

    @property
    def at_once(self) -> bool:
        """Whether each alert is told when it comes, whatever the hour."""
        return self.daily is None and not self.group_ms and (self.quiet is None or self.urgent)

    def silence(self, now: int) -> Span | None:
        """The quiet hours that a moment lies in, if they hold for this rule."""
        return None if self.quiet is None or self.urgent else self.quiet.at(now)


class Kept(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is held back: how much, and the first of it. It is told at `due_at`.

    `open_until` is when the time ends in which all is joined. `slots` are the times of the latest
    digests that were sent.
    """

    count: int = 0
    items: tuple[Item, ...] = ()
    due_at: int | None = None
    open_until: int = 0
    slots: tuple[int, ...] = ()

    @property
    def idle(self) -> bool:
        """Whether it can be forgotten once nothing is due."""
        return not self.count and not self.slots


def plan_of(spec: Spec) -> Plan:
    """When a rule's alerts are told."""
    quiet = spec.quiet
    return Plan(
        daily=None if spec.digest is None else spec.digest.daily,
        group_ms=0 if spec.group is None else max(1, round(spec.group.seconds * SECOND_MS)),
        quiet=None if quiet is None else quiet.window.hours,
        drop=quiet is not None and quiet.then is Then.DROP,
        urgent=spec.priority is Urgency.HIGH,
    )


def arrive(plan: Plan, kept: Kept, item: Item, now: int) -> tuple[Fate, Kept]:
    """Decide on an alert that has come."""
    if plan.daily is not None:
        return Fate.HOLD, _hold(kept, item, _slot(plan.daily, kept, now))
    if plan.group_ms and (kept.count or now < kept.open_until):
        return Fate.HOLD, _hold(kept, item, min(kept.open_until, now + plan.group_ms))
    silence = plan.silence(now)
    if silence is not None:
        return (Fate.DROP, kept) if plan.drop else (Fate.HOLD, _hold(kept, item, silence.end))
    return Fate.TELL, _opened(plan, kept, now)


def release(plan: Plan, kept: Kept, now: int) -> tuple[Fate, Kept]:
    """Decide on what is due: it is held on where the hours are quiet, otherwise nothing is kept."""
    slots = kept.slots
    if plan.daily is not None and kept.due_at is not None and kept.count:
        slots = (*slots, kept.due_at)[-SLOTS:]
    silence = plan.silence(now) if kept.count else None
    if silence is not None and not plan.drop:
        return Fate.HOLD, msgspec.structs.replace(kept, due_at=silence.end, slots=slots)
    over = Kept(slots=slots)
    if silence is not None or not kept.count:
        return Fate.DROP, over
    return Fate.TELL, _opened(plan, over, now)


def rewound(plan: Plan, kept: Kept, now: int) -> Kept:
    """What is held after the clock was set back to a moment: it is not due later than what came
    now would be.
    """
    if kept.due_at is None:
        return kept
    silence = plan.silence(now)
    bounds = [] if silence is None else [silence.end]
    if plan.daily is not None:
        bounds = [_slot(plan.daily, kept, now)]
    elif plan.group_ms:
        bounds.append(now + plan.group_ms)
    due_at = min(kept.due_at, max(bounds, default=now))
    return msgspec.structs.replace(kept, due_at=due_at)


def _slot(daily: Daily, kept: Kept, now: int) -> int:
    """The next time of a digest that was not sent yet."""
    at = daily.next_after(now)
    while at in kept.slots:
        at = daily.next_after(at)
    return at


def _hold(kept: Kept, item: Item, due_at: int) -> Kept:
    return msgspec.structs.replace(
        kept,
        count=kept.count + 1,
        items=(*kept.items, item) if len(kept.items) < ITEMS_MAX else kept.items,
        due_at=kept.due_at if kept.count else due_at,
    )


def _opened(plan: Plan, kept: Kept, now: int) -> Kept:
    """Join what comes next with each other, from now on."""
    if not plan.group_ms:
        return kept
    until = now + plan.group_ms
    return msgspec.structs.replace(kept, open_until=until, due_at=until)
