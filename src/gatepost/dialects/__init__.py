"""Everything a client can speak. A new dialect is a folder and a line here."""

from __future__ import annotations

from gatepost.dialects.emailit import Emailit
from gatepost.dialects.emmi import Emmi
from gatepost.dialects.eventicat import Eventicat
from gatepost.dialects.native import Native
from gatepost.dialects.notifykit import NotifyKit
from gatepost.web.contract import Dialect

DIALECTS: tuple[Dialect, ...] = (Native(), Eventicat(), Emmi(), Emailit(), NotifyKit())
