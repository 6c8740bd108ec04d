"""Subscribe: browsers that want to be told, and the keys that messages to them are signed with."""

from __future__ import annotations

import base64
from hashlib import blake2b
from typing import NamedTuple
from urllib.parse import urlsplit

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gatepost.base import ids
from gatepost.base.errors import AppError, Code
from gatepost.base.ids import AccountId, DeviceId, ProjectId
from gatepost.base.vault import Vault
from gatepost.domains.accounts import store as accounts
from gatepost.domains.audit import store as audit
from gatepost.domains.audit.model import Actor, Target
from gatepost.domains.devices import store
from gatepost.domains.devices.model import DEVICES_MAX, Device, PushKey, Reach, Subscription
from gatepost.storage.db import Tx

SUBSCRIPTIONS = "push subscriptions"
KEYS = "push keys"
POINT_BYTES = 65
SECRET_BYTES = 16
SCALAR_BYTES = 32
KEY_NAME = "push key"

_decode = msgspec.json.Decoder(Subscription).decode


class NewDevice(msgspec.Struct, frozen=True, kw_only=True):
    """A device to be."""

    project_id: ProjectId
    subscription: Subscription
    user_id: str | None = None
    reach: Reach = Reach.ALL
    channel: str | None = None


class Reached(NamedTuple):
    """A device, where it is reached, and what is signed with on the way."""

    device: Device
    subscription: Subscription
    key: ec.EllipticCurvePrivateKey


class Lock:
    """Seals and opens what devices and keys have that is secret."""

    def __init__(self, pepper: bytes) -> None:
        """Derive the keys."""
        self._subscriptions = Vault(pepper, SUBSCRIPTIONS)
        self._keys = Vault(pepper, KEYS)

    def seal(self, subscription: Subscription, device_id: DeviceId) -> bytes:
        """Seal where a device is reached."""
        text = msgspec.json.encode(subscription).decode()
        return self._subscriptions.seal(text, device_id)

    def open(self, device: Device) -> Subscription:
        """Open where a device is reached; raises Damaged."""
        return _decode(self._subscriptions.open(device.subscription, device.id))

    def seal_key(self, scalar: bytes, account_id: AccountId) -> bytes:
        """Seal a private key."""
        return self._keys.seal(write(scalar), account_id)

    def key(self, kept: PushKey) -> ec.EllipticCurvePrivateKey:
        """Open a private key; raises Damaged."""
        return private_key(read(self._keys.open(kept.private, kept.account_id)))


def read(text: str) -> bytes:
    """Read base64url, with or without padding; raises ValueError."""
    bare = text.rstrip("=")
    return base64.b64decode(bare + "=" * (-len(bare) % 4), altchars=b"-_", validate=True)


def write(raw: bytes) -> str:
    """Write base64url without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def private_key(scalar: bytes) -> ec.EllipticCurvePrivateKey:
    """A key of its 32 bytes; raises ValueError."""
    if len(scalar) != SCALAR_BYTES:
        raise ValueError("not a private key of P-256")
    return ec.derive_private_key(int.from_bytes(scalar, "big"), ec.SECP256R1())


def public_of(key: ec.EllipticCurvePrivateKey) -> bytes:
    """Its public half, as browsers take it."""
    return key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def problem(p256dh: str, auth: str) -> str:
    """Which member of a browser's keys is wrong, empty for none."""
    try:
        point = read(p256dh)
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
        wrong = "" if len(point) == POINT_BYTES else "p256dh"
    except ValueError:
        wrong = "p256dh"
    try:
        known = len(read(auth)) == SECRET_BYTES
    except ValueError:
        known = False
    return wrong or ("" if known else "auth")


def key(tx: Tx, account_id: AccountId, lock: Lock, now: int) -> PushKey:
    """The account's key; made when it is first asked for."""
    found = store.find_key(tx, account_id)
    if found is not None:
        return found
    accounts.hold(tx, account_id)
    found = store.find_key(tx, account_id)
    if found is not None:
        return found
    made = _kept(account_id, ec.generate_private_key(ec.SECP256R1()), lock, now)
    store.save_key(tx, made)
    return made


def replace_key(
    tx: Tx, account_id: AccountId, scalar: bytes, lock: Lock, actor: Actor, now: int
) -> PushKey:
    """Use a key that browsers know already; raises ValueError for what is none.

    Browsers that subscribed with the former one are told nothing more.
    """
    accounts.hold(tx, account_id)
    before = store.find_key(tx, account_id)
    made = _kept(account_id, private_key(scalar), lock, now)
    store.save_key(tx, made)
    target = Target(ids.show("account", account_id), KEY_NAME)
    shown = [None if one is None else {"public": write(one.public)} for one in (before, made)]
    audit.append(
        tx, account_id, actor, "push.key", target, now=now, before=shown[0], after=shown[1]
    )
    return made


def register(tx: Tx, account_id: AccountId, new: NewDevice, lock: Lock, now: int) -> Device:
    """Keep a device, in place of what was known of the same one; raises CONFLICT where there are
    too many.
    """
    accounts.hold(tx, account_id)
    digest = digest_of(account_id, new.subscription.endpoint)
    known = store.find_digest(tx, account_id, digest)
    if known is None and store.number(tx, account_id) >= DEVICES_MAX:
        raise AppError(Code.CONFLICT, f"An account has at most {DEVICES_MAX} devices")
    device_id = DeviceId(ids.new()) if known is None else known.id
    device = Device(
        account_id=account_id,
        id=device_id,
        project_id=new.project_id,
        user_id=new.user_id,
        reach=new.reach,
        channel=new.channel,
        digest=digest,
        host=urlsplit(new.subscription.endpoint).netloc.lower(),
        subscription=lock.seal(new.subscription, device_id),
        created_at=now if known is None else known.created_at,
        updated_at=now,
    )
    keep = store.add if known is None else store.save
    keep(tx, device)
    return device


def reach(tx: Tx, account_id: AccountId, device_id: DeviceId, lock: Lock) -> Reached | None:
    """All that sending to a device takes, None where there is no such device; raises Damaged."""
    device, kept = store.find(tx, account_id, device_id), store.find_key(tx, account_id)
    if device is None or kept is None:
        return None
    return Reached(device, lock.open(device), lock.key(kept))


def digest_of(account_id: AccountId, endpoint: str) -> bytes:
    """What tells one device from another."""
    return blake2b(endpoint.encode(), digest_size=16, key=account_id).digest()


def _kept(account_id: AccountId, made: ec.EllipticCurvePrivateKey, lock: Lock, now: int) -> PushKey:
    scalar = made.private_numbers().private_value.to_bytes(SCALAR_BYTES, "big")
    sealed = lock.seal_key(scalar, account_id)
    return PushKey(account_id=account_id, public=public_of(made), private=sealed, created_at=now)
