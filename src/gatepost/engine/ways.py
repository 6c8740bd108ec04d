"""Ways: where rules lead, sealed and opened."""

from __future__ import annotations

from functools import cached_property

import msgspec

from gatepost.base.config import Settings
from gatepost.base.ids import RuleId
from gatepost.base.vault import Vault
from gatepost.domains.rules.model import Rule, Way
from gatepost.engine.enlist import Safe

PURPOSE = "rule ways"
_decode = msgspec.json.Decoder(Way).decode


class Ways:
    """Seals where a rule leads for the rule alone."""

    def __init__(self, pepper: bytes) -> None:
        """Derive the key."""
        self._vault = Vault(pepper, PURPOSE)

    def seal(self, way: Way, rule_id: RuleId) -> bytes:
        """Seal where a rule leads."""
        return self._vault.seal(msgspec.json.encode(way).decode(), rule_id)

    def open(self, rule: Rule) -> Way:
        """Open where a rule leads; raises Damaged."""
        return _decode(self._vault.open(rule.way, rule.id))


class Means:
    """What alerts are made with."""

    def __init__(self, settings: Settings, pepper: bytes) -> None:
        """Hold it."""
        self.settings = settings
        self.pepper = pepper

    @cached_property
    def safe(self) -> Safe:
        """What seals headers of webhooks."""
        return Safe(self.pepper)

    @cached_property
    def ways(self) -> Ways:
        """What opens where rules lead."""
        return Ways(self.pepper)
