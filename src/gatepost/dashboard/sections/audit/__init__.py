"""The audit log: who changed what, and who was refused."""

from gatepost.dashboard.routes import Section, page
from gatepost.dashboard.sections.audit import log
from gatepost.gate.scopes import Scope

SECTION = Section(
    name="audit",
    title="Audit log",
    icon="log",
    shortcut="l",
    scope=Scope.AUDIT_READ,
    routes=(
        page("/audit", log.show),
        page("/audit/export", log.export),
    ),
)
