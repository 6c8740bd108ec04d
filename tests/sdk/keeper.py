"""The owner of an API: a project on the real Gatepost, and the keys of its users."""

from dataclasses import dataclass
from typing import Any

from gatepost_client import Check, GateClient, MintedKey
from tests.server import Server, Tenant, unique


@dataclass(frozen=True)
class Keeper:
    """`api_key` may check and nothing else; `client` may do anything."""

    server: Server
    tenant: Tenant
    api_key: str
    client: GateClient

    @property
    def options(self) -> dict[str, Any]:
        """Where the middleware finds Gatepost."""
        return {"url": self.server.address, "api_key": self.api_key, "timeout_s": 10.0}

    def key(self, **terms: Any) -> MintedKey:
        return self.client.create_key(unique("user"), **terms)

    def used(self, secret: str) -> int:
        """How many units of its quota a key has used."""
        (quota,) = self.client.check(Check(secret, dry_run=True, cost=0)).quotas
        return quota.limit - quota.remaining
