"""The scopes an endpoint can ask for, as the stations above the gate see them."""

from __future__ import annotations

from gatepost.domains.keys.scopes import NAMES, PRESETS, Scope, check, expand

__all__ = ["NAMES", "PRESETS", "Scope", "check", "expand"]
