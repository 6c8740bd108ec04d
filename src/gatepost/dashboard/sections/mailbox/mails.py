"""Caught mails: the list, and one in its views."""

from __future__ import annotations

from starlette.responses import Response

from gatepost.dashboard.desk import OK_MAX, Page, Query, Refused, at, refusal
from gatepost.dashboard.forms import Form
from gatepost.dashboard.sections.deliveries import words
from gatepost.dashboard.visit import Visit
from gatepost.gate.scopes import Scope
from gatepost.web import text

PAGE = 50
VIEWS = {"html": "HTML", "text": "Text", "headers": "Headers", "source": "Source"}


async def list_(visit: Visit) -> Response:
    """Show a page of mails."""
    project = visit.project.id if visit.project else None
    names = ("recipient", "cursor")
    asked: Query = {name: visit.query.get(name) for name in names}
    form, status = Form.starting(), 200
    try:
        query = {**asked, "project": project, "limit": PAGE}
        found = await visit.api.page("/v1/mailbox", "mails", query)
    except Refused as refused:
        found, form, status = Page([], None), form.refused(refused), refused.status
    return visit.page(
        "mailbox/list.html",
        status,
        found=found,
        form=form,
        recipient=visit.query.get("recipient"),
        may_send=visit.api.may(Scope.MESSAGES_SEND),
    )


async def show(visit: Visit) -> Response:
    """Show a mail in one of its views."""
    mail = await visit.api.get(at("/v1/mailbox", visit.path["mail"]))
    there = [name for name in VIEWS if name not in {"html", "text"} or mail[name] is not None]
    asked = visit.query.get("view")
    view = asked if asked in there else there[0]
    said, more = "", False
    if view == "text":
        said, more = words.cut(text.shown(mail["text"]))
    elif view == "source":
        source = (await _raw(visit)).decode("utf-8", "replace").replace("\r\n", "\n")
        said, more = words.cut(text.shown(source))
    return visit.page(
        "mailbox/mail.html", mail=mail, there=there, view=view, views=VIEWS, said=said, more=more
    )


async def raw(visit: Visit) -> Response:
    """Give a mail as it would have gone over the wire."""
    name = f'attachment; filename="{visit.path["mail"]}.eml"'
    headers = {"content-disposition": name, "content-type": "message/rfc822"}
    return Response(await _raw(visit), headers=headers)


async def file(visit: Visit) -> Response:
    """Give a file that was with a mail: to be kept, never to be shown."""
    path = at("/v1/mailbox", visit.path["mail"], "attachments", visit.path["number"])
    answer = await visit.api.ask("GET", path)
    if answer.status > OK_MAX:
        raise refusal(answer)
    kept = {name: answer.headers[name] for name in ("content-type", "content-disposition")}
    return Response(answer.body, headers=kept)


async def _raw(visit: Visit) -> bytes:
    answer = await visit.api.ask("GET", at("/v1/mailbox", visit.path["mail"], "raw"))
    if answer.status > OK_MAX:
        raise refusal(answer)
    return answer.body
