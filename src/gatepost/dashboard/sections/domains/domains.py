"""Sending domains: their records, and whether these are published."""

from __future__ import annotations

from starlette.responses import Response

from gatepost.dashboard.desk import Refused, at
from gatepost.dashboard.forms import Form
from gatepost.dashboard.visit import Visit
from gatepost.gate.scopes import Scope

PAGE = 50
YES = "yes"
TRACKED = ("trackOpens", "trackClicks")
STATUSES = {
    "pending": ("Not verified yet", "warn"),
    "verified": ("Verified", "good"),
    "trusted": ("Trusted", "good"),
}
FOUND = {
    "ok": ("As it should be", "good"),
    "pending": ("Not seen yet", "plain"),
    "missing": ("Missing", "warn"),
    "failed": ("Wrong", "bad"),
}
"""How a record was found: words, and the tone of their badge."""
PURPOSES = {
    "dkim": "DKIM, the signature of mails",
    "spf": "SPF, who may send",
    "return_path": "Return path, where bounces go",
    "dmarc": "DMARC, what receivers do with mail that is not signed",
}


async def list_(visit: Visit) -> Response:
    """Show a page of domains."""
    query = {"limit": PAGE, "cursor": visit.query.get("cursor") or None}
    found = await visit.api.page("/v1/domains", "domains", query)
    return visit.page("domains/list.html", found=found, statuses=STATUSES, may_write=_may(visit))


async def show_new(visit: Visit) -> Response:
    """Show the form of a domain to be."""
    return visit.page("domains/new.html", form=Form.starting())


async def make(visit: Visit) -> Response:
    """Add a domain."""
    form = visit.form
    try:
        made = await visit.api.send(
            "POST", "/v1/domains", {"name": form.get("name")}, once=form.once
        )
    except Refused as refused:
        shown = form.refused(refused, about="name")
        return visit.page("domains/new.html", refused.status, form=shown)
    said = "The domain was added. Publish its records, then have them looked at."
    return visit.redirect(visit.url("domains", made["id"]), said)


async def show(visit: Visit) -> Response:
    """Show one domain."""
    domain = await visit.api.get(at("/v1/domains", visit.path["domain"]))
    tracked = {name: YES for name in TRACKED if domain[name]}
    return visit.page(
        "domains/domain.html",
        domain=domain,
        form=Form.starting(tracked),
        statuses=STATUSES,
        found=FOUND,
        purposes=PURPOSES,
        may_write=_may(visit),
    )


async def verify(visit: Visit) -> Response:
    """Have its records looked at now."""
    where = visit.url("domains", visit.path["domain"])
    path = at("/v1/domains", visit.path["domain"], "verify")
    try:
        domain = await visit.api.send("POST", path, once=visit.form.once)
    except Refused as refused:
        return visit.redirect(where, refused.detail, "problem")
    wrong = [one for one in domain["records"] if one["required"] and one["status"] != "ok"]
    if not wrong:
        return visit.redirect(where, "All is as it should be: mail may be sent from it.")
    count = "One record is" if len(wrong) == 1 else f"{len(wrong)} records are"
    return visit.redirect(where, f"{count} not as it should be yet.", "problem")


async def track(visit: Visit) -> Response:
    """Say what mails of it tell of themselves."""
    where = visit.path["domain"]
    body = {name: visit.form.get(name) == YES for name in TRACKED}
    await visit.api.send("PATCH", at("/v1/domains", where), body, once=visit.form.once)
    return visit.redirect(visit.url("domains", where), "Tracking was changed.")


async def delete(visit: Visit) -> Response:
    """Remove it."""
    path = at("/v1/domains", visit.path["domain"])
    await visit.api.send("DELETE", path, once=visit.form.once)
    return visit.redirect(visit.url("domains"), "The domain was removed.")


def _may(visit: Visit) -> bool:
    return visit.api.may(Scope.DOMAINS_WRITE)
