"""What can happen to a cluster. Each fault returns when what broke runs again."""

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from tests.chaos.client import CARELESS
from tests.chaos.cluster import Cluster
from tests.proxy import Ambush
from tests.waiting import wait_for

AWAY_S = (0.5, 2.0)
"""How long a killed server of data stays away."""
FROZEN_S = (0.5, 8.0)
SPRUNG_S = 10.0
WRITERS = b"commit_marks"
"""What only connections that write ever say."""

Act: TypeAlias = Callable[[Cluster, random.Random], None]


@dataclass(frozen=True)
class Fault:
    """One that happened. `wiped`: Valkey was away, and came back empty."""

    name: str
    began: float
    healed: float
    wiped: bool

    def __str__(self) -> str:
        return f"{self.name} ({self.healed - self.began:.1f} s)"


def kill_a_server(cluster: Cluster, chance: random.Random) -> None:
    chance.choice(cluster.servers).restart_after_kill()


def kill_the_worker(cluster: Cluster, chance: random.Random) -> None:
    cluster.worker.restart_after_kill()


def restart_postgres(cluster: Cluster, chance: random.Random) -> None:
    cluster.postgres.restart()


def kill_postgres(cluster: Cluster, chance: random.Random) -> None:
    cluster.postgres.kill()
    time.sleep(chance.uniform(*AWAY_S))
    cluster.postgres.start()


def freeze_postgres(cluster: Cluster, chance: random.Random) -> None:
    cluster.postgres.freeze()
    time.sleep(chance.uniform(*FROZEN_S))
    cluster.postgres.thaw()


def wipe_valkey(cluster: Cluster, chance: random.Random) -> None:
    cluster.valkey.kill()
    time.sleep(chance.uniform(*AWAY_S))
    cluster.valkey.start()


def reset_all_connections(cluster: Cluster, chance: random.Random) -> None:
    assert cluster.database_road.reset(WRITERS) > 0


def reset_before_a_commit(cluster: Cluster, chance: random.Random) -> None:
    """The last thing that most transactions write are replies to remember; COMMIT is next."""
    _ambush(cluster, Ambush(b"COPY idempotency", b"COPY ", passed=True))


def reset_while_a_commit_is_answered(cluster: Cluster, chance: random.Random) -> None:
    """Of an order that no idempotency key protects."""
    _ambush(cluster, Ambush(CARELESS.encode(), b"COMMIT\0"))


def _ambush(cluster: Cluster, ambush: Ambush) -> None:
    cluster.database_road.ambush(ambush)
    wait_for(lambda: cluster.database_road.ambushed is None, "a writer to commit", SPRUNG_S)


FAULTS: tuple[Act, ...] = (
    kill_a_server,
    kill_the_worker,
    restart_postgres,
    kill_postgres,
    freeze_postgres,
    wipe_valkey,
    reset_all_connections,
    reset_before_a_commit,
    reset_while_a_commit_is_answered,
)


def strike(cluster: Cluster, act: Act, chance: random.Random) -> Fault:
    """Let it happen; the cluster itself may need some more time to recover."""
    began = time.monotonic()
    act(cluster, chance)
    return Fault(act.__name__.replace("_", " "), began, time.monotonic(), act is wipe_valkey)


def schedule(chance: random.Random, seconds: float) -> Iterator[Act]:
    """Every fault once, in random order; again and again until so many seconds have passed."""
    began = time.monotonic()
    while True:
        yield from chance.sample(FAULTS, len(FAULTS))
        if time.monotonic() - began > seconds:
            return
