"""What is due, once the clock has been set back."""

from __future__ import annotations

import sqlalchemy as sa

from gatepost.domains.outbox.tables import deliveries, queues
from gatepost.storage.db import Tx

_pending = deliveries.c.state == sa.literal_column("'pending'")


def rewind(tx: Tx, now: int, before: int, lease_until: int) -> int:
    """Let nothing wait for a clock that said `before` and says `now` (ms): what was due is due, and
    what is to be tried again waits no longer than it would have. Whoever owns a queue has until
    `lease_until` to say so again. Returns how many deliveries changed.
    """
    step = before - now
    was_due = (_pending, deliveries.c.due_at > now, deliveries.c.due_at <= before)
    count = tx.run(sa.update(deliveries).where(*was_due).values(due_at=now)).rowcount
    later = (_pending, deliveries.c.due_at > before, deliveries.c.attempts > 0)
    count += tx.run(
        sa.update(deliveries).where(*later).values(due_at=deliveries.c.due_at - step)
    ).rowcount
    tx.run(sa.update(queues).where(queues.c.due_at > now).values(due_at=now))
    tx.run(
        sa.update(queues).where(queues.c.lease_until > lease_until).values(lease_until=lease_until)
    )
    opened = queues.c.open_until - step
    tx.run(sa.update(queues).where(queues.c.open_until > now).values(open_until=opened))
    return count
