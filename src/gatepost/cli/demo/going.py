"""Goes on: a few events a second, until somebody stops it."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from random import Random
from threading import Event as Flag

from gatepost.base.ids import AccountId
from gatepost.cli.common import say
from gatepost.cli.demo import cast
from gatepost.cli.demo.cast import Person
from gatepost.cli.demo.stage import SHOP
from gatepost.cli.demo.story import Said, command, happening
from gatepost.cli.local import Local
from gatepost.domains.projects import store as projects
from gatepost.engine.track import Origin, track

PAUSE_S = (0.1, 0.9)
CROWD = 60


def run(local: Local, account_id: AccountId, seed: int) -> None:
    """Store an event every half a second or so."""
    random = Random()  # noqa: S311 # a story, no secret
    crowd = cast.people(Random(seed), CROWD)  # noqa: S311 # the same people as in the story
    stop = Flag()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    say("An event every half a second; Ctrl-C ends it.")
    many = 0
    while not stop.wait(random.uniform(*PAUSE_S)):
        _store(local, account_id, _something(random, crowd))
        many += 1
    say(f"{many} events.")


def _something(random: Random, crowd: Sequence[Person]) -> Said:
    """Anything but what an endpoint listens to that is switched on."""
    while (said := happening(random, crowd)).channel == "deploys":
        pass
    return said


def _store(local: Local, account_id: AccountId, said: Said) -> None:
    with local.write() as tx:
        project = projects.find_by_name(tx, account_id, SHOP)
        if project is not None:
            origin = Origin(account_id, project.id, local.now(), project.counting)
            track(tx, [origin], [command(said, None)])
