"""Making, changing, rotating and ending keys. A secret is on the answer to its form, and nowhere
else: no address leads to it, and nothing keeps it.
"""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.responses import Response

from gatepost.dashboard.desk import Refused, at
from gatepost.dashboard.forms import MADE_BEFORE, Fields, Form
from gatepost.dashboard.sections.keys import fields, listing, scopes
from gatepost.dashboard.sections.keys.snippets import snippets
from gatepost.dashboard.visit import Visit
from gatepost.gate.scopes import Scope

FORMATS = (
    ("native", "Gatepost: gp_live_…"),
    ("native-test", "Gatepost, for tests: gp_test_…"),
    ("emitkit", "EmitKit: emitkit_…"),
    ("eventicat", "Eventicat: evk_…"),
    ("notifykit", "NotifyKit: nh_…"),
    ("emailit", "Emailit: em_live_…"),
    ("emmi", "EMMI: emmi_sk_…"),
    ("emmi-single", "EMMI, earlier: sk_live_single_…"),
    ("emmi-multi", "EMMI, earlier: sk_live_multi_…"),
    ("emmi-test-single", "EMMI sandbox: sk_test_single_…"),
    ("emmi-test-multi", "EMMI sandbox: sk_test_multi_…"),
)
DOMAINS = 100


async def new(visit: Visit) -> Response:
    """Show the form of a new key."""
    customer = visit.query.get("customer")
    project = visit.project.id if visit.project and not customer else None
    values = {"preset": "events", "format": "native", "projectId": project, "customerId": customer}
    return await _new(visit, Form.starting(values))


async def _new(visit: Visit, form: Form, status: int = 200) -> Response:
    account, domains, customer = await asyncio.gather(
        visit.api.get("/v1/account"), _domains(visit), _customer(visit, form.get("customerId"))
    )
    return visit.page(
        "keys/new.html",
        status,
        form=form,
        customer=customer,
        presets=scopes.presets(),
        groups=scopes.groups(),
        formats=FORMATS,
        domains=[(one["name"], one["name"]) for one in domains],
        projects=[("", "All projects of this account"), *_projects(visit)],
        plan_limits=fields.limits_words(account["plan"]["keyLimits"]),
    )


def _projects(visit: Visit) -> list[tuple[str, str]]:
    return [(one.id, one.name) for one in visit.here.projects]


async def _domains(visit: Visit) -> list[Any]:
    if not visit.api.may(Scope.DOMAINS_READ):
        return []
    return (await visit.api.page("/v1/domains", "domains", {"limit": DOMAINS})).items


async def _customer(visit: Visit, customer_id: str) -> Any:
    return await visit.api.get(at("/v1/customers", customer_id)) if customer_id else None


async def create(visit: Visit) -> Response:
    """Make a key, and show its secret this once."""
    form = visit.form
    wanted: dict[str, Any] = {
        "name": form.get("name"),
        "format": form.get("format") or "native",
        "projectId": form.get("projectId") or None,
        "sendingDomain": form.get("sendingDomain") or None,
        **_terms(visit),
    }
    if form.get("customerId"):
        wanted["customerId"] = form.get("customerId")
        wanted["scopes"] = [Scope.USAGE_READ]
    try:
        made = await visit.api.send("POST", "/v1/keys", wanted, once=form.once)
    except Refused as refused:
        return await _new(visit, form.refused(refused, sent_before=MADE_BEFORE), refused.status)
    return _made(visit, made, rotated=False)


def _terms(visit: Visit) -> dict[str, Any]:
    """What can be changed as well; an empty field of limits stands for those of the plan."""
    form = visit.form
    limit = form.get("limit")
    return {
        "scopes": scopes.chosen(form),
        "expiresAt": fields.moment(form.get("expiresAt"), visit.zone),
        "allowFrom": fields.lines(form.get("allowFrom")),
        **({"limit": limit} if limit else {"limits": None}),
    }


def _made(visit: Visit, made: Any, *, rotated: bool) -> Response:
    project = made["projectId"]
    unbound = project is None and len(visit.here.projects) > 1 and visit.project is not None
    named = visit.project.id if unbound and visit.project else None
    shown = made["customerId"] is None and scopes.may_send_events(made["scopes"])
    return visit.page(
        "keys/made.html",
        key=made,
        rotated=rotated,
        grace=rotated and visit.form.get("graceSeconds", "0") != "0",
        snippets=snippets(visit.address, made["key"], named) if shown else [],
    )


async def edit(visit: Visit) -> Response:
    """Show the form that changes a key."""
    key = await visit.api.get(at("/v1/keys", visit.path["key"]))
    values = {
        "name": key["name"],
        "expiresAt": fields.typed(key["expiresAt"], visit.zone),
        "limit": fields.limits_typed(key["limits"]),
        "allowFrom": "\n".join(key["allowFrom"]),
        "holdMails": "yes" if key["holdMails"] else None,
        **scopes.shown(key["scopes"]),
    }
    return await _edit(visit, Form.starting(values), key)


async def _edit(visit: Visit, form: Form, key: Any, status: int = 200) -> Response:
    account = await visit.api.get("/v1/account")
    return visit.page(
        "keys/change.html",
        status,
        form=form,
        key=key,
        presets=scopes.presets(),
        groups=scopes.groups(),
        plan_limits=fields.limits_words(account["plan"]["keyLimits"]),
    )


async def change(visit: Visit) -> Response:
    """Change a key: what was left as it stood is not sent."""
    where, form = at("/v1/keys", visit.path["key"]), visit.form
    key = await visit.api.get(where)
    wanted = {"name": form.get("name"), **_terms(visit), "holdMails": "holdMails" in form}
    kept = fields.typed(key["expiresAt"], visit.zone) == form.get("expiresAt")
    same = set(wanted["scopes"]) == set(scopes.chosen(_shown(key)))
    changes = {
        name: value
        for name, value in wanted.items()
        if not (name == "expiresAt" and kept) and not (name == "scopes" and same)
    }
    try:
        await visit.api.send("PATCH", where, changes, once=form.once)
    except Refused as refused:
        return await _edit(visit, form.refused(refused), key, refused.status)
    return visit.redirect(visit.url("keys", key["id"]), "The key was changed.")


def _shown(key: Any) -> Fields:
    return Form.starting(scopes.shown(key["scopes"]))


async def rotate(visit: Visit) -> Response:
    """Give a key a new secret, and show it this once."""
    where = at("/v1/keys", visit.path["key"], "rotate")
    body = {"graceSeconds": fields.whole(visit.form, "graceSeconds") or 0}
    try:
        made = await visit.api.send("POST", where, body, once=visit.form.once)
    except Refused as refused:
        form = visit.form.refused(refused, sent_before=MADE_BEFORE)
        return await listing.show_one(visit, visit.path["key"], form, refused.status)
    return _made(visit, made, rotated=True)


async def switch(visit: Visit) -> Response:
    """Enable or disable a key."""
    enabled = visit.form.get("enabled") == "yes"
    where = at("/v1/keys", visit.path["key"])
    try:
        await visit.api.send("PATCH", where, {"enabled": enabled}, once=visit.form.once)
    except Refused as refused:
        form = visit.form.refused(refused)
        return await listing.show_one(visit, visit.path["key"], form, refused.status)
    words = "The key works again." if enabled else "The key is refused from now on."
    return visit.redirect(visit.url("keys", visit.path["key"]), words)


async def end(visit: Visit) -> Response:
    """End a key for good."""
    await visit.api.send("DELETE", at("/v1/keys", visit.path["key"]), once=visit.form.once)
    return visit.redirect(visit.url("keys"), "The key was ended. Its secret can never come back.")
