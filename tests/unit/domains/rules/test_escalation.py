"""When the next ones are told of an alert."""

from gatepost.domains.rules import escalation
from gatepost.domains.rules.calendar import Hours
from gatepost.domains.rules.digest import Plan

MINUTE = 60_000


def test_steps_count_from_when_the_alert_was_told() -> None:
    minutes = (5, 15, 60)
    assert escalation.next_at(minutes, 0, 0) == 5 * MINUTE
    assert escalation.next_at(minutes, 1, 5 * MINUTE) == 15 * MINUTE
    assert escalation.next_at(minutes, 2, 15 * MINUTE) == 60 * MINUTE
    assert escalation.next_at(minutes, 3, 60 * MINUTE) is None


def test_a_step_that_was_late_leaves_time_before_the_next_one() -> None:
    assert escalation.next_at((5, 15), 1, 500 * MINUTE) == 510 * MINUTE


def test_without_steps_nobody_else_is_told() -> None:
    assert escalation.next_at((), 0, 0) is None


def test_a_step_waits_for_the_end_of_quiet_hours() -> None:
    plan = Plan(quiet=Hours(0, 60, "UTC"))
    assert escalation.put_off(plan, 30 * MINUTE) == 60 * MINUTE
    assert escalation.put_off(plan, 60 * MINUTE) is None
    urgent = Plan(quiet=Hours(0, 60, "UTC"), urgent=True)
    assert escalation.put_off(urgent, 30 * MINUTE) is None
