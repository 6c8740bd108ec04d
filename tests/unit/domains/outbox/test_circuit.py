from gatepost.base.clock import DAY_MS
from gatepost.domains.outbox.circuit import FAILURES, OPEN_MS_MAX, Circuit, after


def failed(times: int, now: int) -> Circuit:
    """After failures in a row, each as soon as it may be."""
    circuit = Circuit()
    for _ in range(times):
        now = max(now, circuit.open_until)
        circuit = after(circuit, now, reached=False)
    return circuit


def test_a_destination_that_fails_is_left_alone_for_a_while() -> None:
    circuit = failed(FAILURES, DAY_MS)
    assert circuit.is_open(DAY_MS)
    assert not circuit.is_open(circuit.open_until)


def test_a_clock_that_is_set_back_leaves_nobody_alone_for_longer() -> None:
    circuit = failed(FAILURES + 20, 10 * DAY_MS)
    assert circuit.is_open(circuit.open_until - OPEN_MS_MAX)
    assert not circuit.is_open(circuit.open_until - OPEN_MS_MAX - 1)
    again = after(circuit, 9 * DAY_MS, reached=False)
    assert 9 * DAY_MS < again.open_until <= 9 * DAY_MS + OPEN_MS_MAX
