"""`gatepost push`: the key that browsers subscribe with, and the devices that did."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from gatepost.cli.common import COMMON, Common, Failure

if TYPE_CHECKING:
    from gatepost.domains.devices.model import Device

app = App(name="push", help="Browsers that are told what happens.")

COLUMNS = ("id", "userId", "scope", "channel", "host", "updatedAt")
Account = Annotated[
    str | None, Parameter(help="Account, by name or id; not needed where there is only one.")
]


@app.command
def key(
    *,
    bring: Annotated[
        Path | None,
        Parameter(help="A file with a private key of yours, in base64url, to use from now on."),
    ] = None,
    account: Account = None,
    common: Common = COMMON,
) -> None:
    """Show the public key that pages subscribe browsers with; made when first asked for."""
    from gatepost.cli import find, show
    from gatepost.cli.local import open_folder
    from gatepost.engine import subscribe
    from gatepost.engine.onboard import found
    from gatepost.engine.subscribe import Lock

    scalar = None if bring is None else _read(bring)
    local = open_folder(common, create=True)
    lock, now = Lock(local.pepper), local.now()
    with local.write() as tx:
        found(tx, now)
        owner = find.account(tx, account).id
        if scalar is None:
            kept = subscribe.key(tx, owner, lock, now)
        else:
            kept = subscribe.replace_key(tx, owner, scalar, lock, local.actor, now)
    public = subscribe.write(kept.public)
    show.one(common, {"publicKey": public}, public)


@app.command
def devices(*, account: Account = None, common: Common = COMMON) -> None:
    """List the devices of an account."""
    from gatepost.cli import find, show
    from gatepost.cli.local import open_folder
    from gatepost.domains.devices import store
    from gatepost.domains.devices.model import DEVICES_MAX

    local = open_folder(common)
    with local.read() as tx:
        owner = find.account(tx, account).id
        mine = store.list_(tx, owner, limit=DEVICES_MAX)
    show.many(common, "devices", [_shown(one) for one in mine], COLUMNS)


@app.command
def remove(
    device: Annotated[str, Parameter(help="Its id.")],
    /,
    *,
    account: Account = None,
    common: Common = COMMON,
) -> None:
    """Forget a device: nothing more is sent to it."""
    from gatepost.base import ids
    from gatepost.base.ids import DeviceId
    from gatepost.cli import find, show
    from gatepost.cli.local import open_folder
    from gatepost.domains.devices import store

    local = open_folder(common)
    with local.write() as tx:
        owner = find.account(tx, account).id
        it = store.get(tx, owner, DeviceId(ids.parse("device", device)))
        store.remove(tx, owner, it.id)
    show.one(common, {**_shown(it), "deleted": True}, f"{device}: removed")


def _read(file: Path) -> bytes:
    """Read a private key; raises Failure without a word of what the file holds."""
    from gatepost.engine import subscribe

    try:
        scalar = subscribe.read(file.read_text().strip())
        subscribe.private_key(scalar)
    except OSError as fault:
        raise Failure(f"{file}: {fault.strerror}") from None
    except ValueError:
        raise Failure(f"{file}: not a private key of P-256 in base64url") from None
    return scalar


def _shown(device: Device) -> dict[str, Any]:
    from gatepost.base import clock, ids

    return {
        "id": ids.show("device", device.id),
        "projectId": ids.show("project", device.project_id),
        "userId": device.user_id,
        "scope": device.reach.value,
        "channel": device.channel,
        "host": device.host,
        "createdAt": clock.iso(device.created_at),
        "updatedAt": clock.iso(device.updated_at),
    }
