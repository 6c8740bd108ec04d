"""From measured rows to prices: a part for each request, and a part for each commit or trip."""

from collections.abc import Callable, Sequence

from bench.measured import Costs, Row
from bench.simulation import Prices

Point = tuple[float, float]
US = 1e-6


def line(points: Sequence[Point]) -> Point:
    """The a and b, neither below 0, of y = a + b·x that miss the points by the least share of y."""
    weights = [1 / y**2 for _, y in points]
    total = sum(weights)
    mean_x = sum(w * x for w, (x, _) in zip(weights, points, strict=True)) / total
    mean_y = sum(w * y for w, (_, y) in zip(weights, points, strict=True)) / total
    pairs = list(zip(weights, points, strict=True))
    spread = sum(w * (x - mean_x) ** 2 for w, (x, _) in pairs)
    slope = sum(w * (x - mean_x) * (y - mean_y) for w, (x, y) in pairs) / spread
    start = mean_y - slope * mean_x
    if slope < 0:
        return mean_y, 0.0
    if start < 0:
        squares = sum(w * x * x for w, (x, _) in pairs)
        return 0.0, sum(w * x * y for w, (x, y) in pairs) / squares
    return start, slope


def per_commit(rows: Sequence[Row], of: Callable[[Row], float]) -> Point:
    """What a request costs by itself, and what each commit adds."""
    return line([(1 / row.group, of(row)) for row in rows])


def per_trip(rows: Sequence[Row], of: Callable[[Row], float]) -> Point:
    """The same for trips to Valkey."""
    return line([(row.trips, of(row)) for row in rows])


def prices(costs: Costs) -> Prices:
    """In seconds."""
    rows = costs.rows
    loop = per_trip(rows, lambda row: row.loop_us)
    thread = per_commit(rows, lambda row: row.threads_us)
    database = per_commit(rows, lambda row: row.database_us)
    valkey = per_trip(rows, lambda row: row.valkey_us)
    return Prices(
        loop_request=loop[0] * US,
        loop_trip=loop[1] * US,
        thread_request=thread[0] * US,
        thread_commit=thread[1] * US,
        database_request=database[0] * US,
        database_commit=database[1] * US,
        valkey_request=valkey[0] * US,
        valkey_trip=valkey[1] * US,
        index_worker=costs.indexing.worker_us * US,
        index_database=costs.indexing.database_us * US,
        rounds=costs.rounds,
    )
