"""`gatepost alert`: what rules have found, and who has taken notice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from gatepost.cli.common import COMMON, USAGE, Common, Failure, Limit

if TYPE_CHECKING:
    from gatepost.domains.rules.alerts import Alert

app = App(name="alert", help="What rules have found, and who has taken notice.")
COLUMNS = ("id", "openedAt", "status", "kind", "title", "acknowledgedBy")

Account = Annotated[
    str | None, Parameter(help="Account, by name or id; not needed where there is only one.")
]


@app.command(name="list")
def list_(
    *,
    status: Annotated[str | None, Parameter(help="open, acknowledged or closed.")] = None,
    limit: Limit = 50,
    account: Account = None,
    common: Common = COMMON,
) -> None:
    """List alerts, newest first."""
    from gatepost.cli import find, show
    from gatepost.cli.local import open_folder
    from gatepost.domains.rules import alerts_store
    from gatepost.domains.rules.alerts import AlertStatus
    from gatepost.domains.rules.alerts_store import Narrow

    try:
        wanted = Narrow(status=None if status is None else AlertStatus(status))
    except ValueError:
        raise Failure("--status is open, acknowledged or closed", USAGE) from None
    with open_folder(common).read() as tx:
        owners = find.owners(tx, account)
        found = [it for one in owners for it in alerts_store.list_(tx, one, wanted, limit=limit)]
    show.many(common, "alerts", [_shown(one) for one in found], COLUMNS)


@app.command
def acknowledge(
    alert: Annotated[str, Parameter(help="Its id.")],
    /,
    *,
    account: Account = None,
    common: Common = COMMON,
) -> None:
    """Take notice of an alert, so that nobody else is told."""
    from gatepost.base import ids
    from gatepost.base.errors import not_found
    from gatepost.base.ids import AlertId
    from gatepost.cli import find, show
    from gatepost.cli.local import open_folder
    from gatepost.domains.rules import alerts_store
    from gatepost.engine import heed

    local, alert_id = open_folder(common), AlertId(ids.parse("alert", alert))
    with local.write() as tx:
        owners = find.owners(tx, account)
        mine = [one for one in owners if alerts_store.find(tx, one, alert_id) is not None]
        if not mine:
            raise not_found("alert with this id")
        noticed = heed.acknowledge(tx, mine[0], alert_id, local.actor, local.now())
    shown = _shown(noticed)
    show.one(common, shown, f"{shown['id']} acknowledged by {shown['acknowledgedBy']}")


def _shown(alert: Alert) -> dict[str, Any]:
    import msgspec

    from gatepost.dialects.native import alerts

    shown: dict[str, Any] = msgspec.to_builtins(alerts.show(alert))
    return shown
