"""`gatepost config`: what is set, and by whom."""

from __future__ import annotations

from cyclopts import App

from gatepost.cli.common import COMMON, Common, load

app = App(name="config", help="Settings and where they come from.")


@app.command(name="show")
def show_(*, common: Common = COMMON) -> None:
    """Show every setting's value and origin; secrets are masked."""
    from gatepost.base.config import MASK, SECRET_FIELDS
    from gatepost.cli import show

    settings, origins = load(common)
    rows = []
    for name, origin in origins.items():
        value = getattr(settings, name)
        shown = MASK if name in SECRET_FIELDS and value else value
        rows.append({"name": name, "value": shown, "source": origin.source})
    show.many(common, "settings", rows, ("name", "value", "source"))
