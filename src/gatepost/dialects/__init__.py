"""Everything a client can speak. A new dialect is a folder and a line here."""

from __future__ import annotations

from gatepost.dialects.native import Native
from gatepost.web.contract import Dialect

DIALECTS: tuple[Dialect, ...] = (Native(),)
