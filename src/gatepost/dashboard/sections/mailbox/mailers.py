"""Mailers: through whom the account's mails leave, and in which order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from gatepost.dashboard.desk import Refused, at
from gatepost.dashboard.forms import Form
from gatepost.dashboard.visit import Visit
from gatepost.gate.scopes import Scope

KINDS = {
    "smtp": "SMTP server",
    "sendgrid": "SendGrid",
    "resend": "Resend",
    "postmark": "Postmark",
    "ses": "Amazon SES",
}
TLS = (
    ("required", "STARTTLS"),
    ("implicit", "From the beginning"),
    ("opportunistic", "STARTTLS where it is offered"),
    ("none", "None"),
)
FIELDS = {
    "smtp": ("host", "port", "tls", "username"),
    "ses": ("region", "username", "url"),
    "postmark": ("stream", "url"),
}
"""Which fields a kind has beside those that all have; the others have an own address alone."""
COMMON = ("name", "priority")
NUMBERS = ("priority", "port")


async def list_(visit: Visit) -> Response:
    """Show them in the order in which they are asked."""
    found = await visit.api.get("/v1/mailers")
    may_change = visit.api.may(Scope.DOMAINS_WRITE)
    return visit.page(
        "mailbox/mailers.html", mailers=found["mailers"], kinds=KINDS, may_change=may_change
    )


async def ask_new(visit: Visit) -> Response:
    """Show the form of a new one, of a kind that may be chosen first."""
    kind = visit.query.get("kind", "smtp")
    starting = {"kind": kind, "priority": 10, "enabled": "yes", "tls": "required"}
    return _form(visit, Form.starting(starting))


async def create(visit: Visit) -> Response:
    """Make one."""
    form = visit.form
    body = {"kind": form.get("kind"), **_body(form, form.get("kind"))}
    try:
        kept = {name: value for name, value in body.items() if value != ""}
        await visit.api.send("POST", "/v1/mailers", kept, once=form.once)
    except Refused as refused:
        return _form(visit, form.refused(refused), status=refused.status)
    return visit.redirect(visit.url("mailers"), "The mailer was made.")


async def show(visit: Visit) -> Response:
    """Show one as a form."""
    mailer = await _find(visit)
    checked = {"enabled": mailer["enabled"], "any_sender": mailer["anySender"]}
    values = {name: mailer[name] for name in (*COMMON, *_own(mailer["kind"]))}
    yes = {name: "yes" for name, value in checked.items() if value}
    return _form(visit, Form.starting({**values, **yes, "kind": mailer["kind"]}), mailer)


async def change(visit: Visit) -> Response:
    """Change one; a secret that is not given stays."""
    form, mailer = visit.form, await _find(visit)
    try:
        path = at("/v1/mailers", mailer["id"])
        await visit.api.send("PATCH", path, _body(form, mailer["kind"]), once=form.once)
    except Refused as refused:
        return _form(visit, form.refused(refused), mailer, refused.status)
    return visit.redirect(visit.url("mailers"), "The mailer was changed.")


async def delete(visit: Visit) -> Response:
    """End one."""
    path = at("/v1/mailers", visit.path["mailer"])
    await visit.api.send("DELETE", path, once=visit.form.once)
    return visit.redirect(visit.url("mailers"), "The mailer has ended.")


def _body(form: Form, kind: str) -> dict[str, Any]:
    found: dict[str, Any] = {name: form.get(name) for name in (*COMMON, *_own(kind))}
    for name in NUMBERS:
        if name in found:
            found[name] = int(form.get(name)) if form.get(name).isdecimal() else form.get(name)
    if found.get("port") == "":
        del found["port"]
    found |= {"enabled": "enabled" in form, "anySender": "any_sender" in form}
    return found | ({"secret": form.get("secret")} if "secret" in form else {})


def _own(kind: str) -> tuple[str, ...]:
    return FIELDS.get(kind, ("url",))


def _form(
    visit: Visit, form: Form, mailer: Mapping[str, Any] | None = None, status: int = 200
) -> Response:
    kind = form.get("kind") if form.get("kind") in KINDS else "smtp"
    return visit.page(
        "mailbox/mailer.html",
        status,
        form=form,
        mailer=mailer,
        kind=mailer["kind"] if mailer else kind,
        kinds=KINDS,
        own=_own(mailer["kind"] if mailer else kind),
        tls=TLS,
        may_change=visit.api.may(Scope.DOMAINS_WRITE),
    )


async def _find(visit: Visit) -> Any:
    return await visit.api.get(at("/v1/mailers", visit.path["mailer"]))
