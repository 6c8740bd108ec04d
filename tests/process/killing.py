"""Runs of many clients while the server is killed now and then.

`RECOUNT_REQUESTS=100000` makes them long ones.
"""

import asyncio
import os
import random
from collections.abc import Callable

from tests.server import Server
from tests.waiting import wait_for

REQUESTS = int(os.environ.get("RECOUNT_REQUESTS", "1500"))
LONG_S = 60 + REQUESTS / 100
CLIENTS = 32
KILLS = 3


async def kill_now_and_then(
    server: Server, done: Callable[[], int], total: int, chance: random.Random
) -> None:
    """Kill the server at random places of a run of `total` requests, and start it again."""
    for place in sorted(chance.sample(range(total // 10, total * 9 // 10), KILLS)):
        await asyncio.to_thread(wait_for, lambda place=place: done() >= place, "load", LONG_S)
        server.kill()
        await asyncio.to_thread(server.start)
