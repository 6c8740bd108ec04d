"""`gatepost template`: texts of messages, in versions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from gatepost.cli.common import COMMON, USAGE, Common, Failure, put

if TYPE_CHECKING:
    from gatepost.domains.templates.model import Template

app = App(name="template", help="Texts of messages, in versions, with places for what changes.")

Account = Annotated[
    str | None, Parameter(help="Account, by name or id; not needed where there is only one.")
]
Named = Annotated[str, Parameter(help="Its alias, which means the published version; or its id.")]


@app.command
def add(
    alias: Annotated[str, Parameter(help="What messages call it by: a-z, 0-9, _ and -.")],
    /,
    *,
    subject: Annotated[str, Parameter(help="As `Welcome, {{ user.name }}`.")],
    html: Annotated[Path | None, Parameter(help="A file of HTML.")] = None,
    text: Annotated[Path | None, Parameter(help="A file of plain text.")] = None,
    publish: Annotated[
        bool, Parameter(negative="", show_default=False, help="Even if another one is published.")
    ] = False,
    account: Account = None,
    common: Common = COMMON,
) -> None:
    """Make a template, which is published, or a further version of one."""
    from gatepost.cli import find, show
    from gatepost.cli.local import open_folder
    from gatepost.domains.templates import render
    from gatepost.engine import publish as verbs
    from gatepost.engine.onboard import found

    new = verbs.NewTemplate(
        alias=alias,
        name=alias,
        subject=subject,
        html=_read(html),
        text=_read(text),
        publish=publish or None,
    )
    render.check(subject=subject, html=new.html, text=new.text)
    local = open_folder(common, create=True)
    with local.write() as tx:
        found(tx, local.now())
        made = verbs.create(tx, find.account(tx, account).id, new, local.actor, local.now())
    shown = _shown(made)
    show.one(common, shown, f"{shown['id']}  {alias}  version {made.version}")


@app.command(name="list")
def list_(*, account: Account = None, common: Common = COMMON) -> None:
    """List all versions of templates, of one account or of all."""
    from gatepost.cli import find, show
    from gatepost.cli.local import open_folder
    from gatepost.domains.accounts import store as accounts
    from gatepost.domains.templates import store

    with open_folder(common).read() as tx:
        owners = [find.account(tx, account)] if account else accounts.list_(tx)
        mine = [one for owner in owners for one in store.list_(tx, owner.id)]
    columns = ("id", "alias", "version", "subject", "published", "accountId")
    show.many(common, "templates", [_shown(one) for one in mine], columns)


@app.command
def publish(template: Named, /, *, account: Account = None, common: Common = COMMON) -> None:
    """Publish a version in place of the one that is."""
    from gatepost.cli import find, show
    from gatepost.cli.local import open_folder
    from gatepost.engine import publish as verbs

    local = open_folder(common)
    with local.write() as tx:
        it = find.template(tx, account, template)
        it = verbs.publish(tx, it.account_id, it.id, local.actor, local.now())
    show.one(common, _shown(it), f"{it.alias}: version {it.version} is published")


@app.command
def preview(
    template: Named,
    /,
    *,
    variables: Annotated[str, Parameter(help="JSON of what to fill it in with.")] = "{}",
    strict: Annotated[
        bool, Parameter(negative="", show_default=False, help="Refuse where variables are missing.")
    ] = False,
    account: Account = None,
    common: Common = COMMON,
) -> None:
    """Fill a template in, and print what becomes of it."""
    from gatepost.cli import find
    from gatepost.cli.common import put_json
    from gatepost.cli.local import open_folder
    from gatepost.domains.templates import render

    given = _variables(variables)
    with open_folder(common).read() as tx:
        it = find.template(tx, account, template)
    made = render.render(it, given, strict=strict)
    if common.json:
        put_json({"subject": made.subject, "html": made.html, "text": made.text})
        return
    parts = (f"Subject: {made.subject}", made.text, made.html)
    put("\n\n".join(one for one in parts if one is not None))


@app.command
def remove(template: Named, /, *, account: Account = None, common: Common = COMMON) -> None:
    """Delete a version of a template."""
    from gatepost.cli import find, show
    from gatepost.cli.local import open_folder
    from gatepost.engine import publish as verbs

    local = open_folder(common)
    with local.write() as tx:
        it = find.template(tx, account, template)
        verbs.end(tx, it.account_id, it.id, local.actor, local.now())
    show.one(common, {**_shown(it), "deleted": True}, f"{it.alias}: version {it.version} deleted")


def _read(path: Path | None) -> str | None:
    if path is None:
        return None
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        message = f"{path} is not UTF-8"
        raise Failure(message, USAGE) from None


def _variables(text: str) -> dict[str, Any]:
    import msgspec

    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except msgspec.MsgspecError:
        raise Failure("--variables is not an object of JSON", USAGE) from None


def _shown(template: Template) -> dict[str, Any]:
    from gatepost.base import clock, ids
    from gatepost.domains.templates.store import NOUN

    return {
        "id": ids.show(NOUN, template.id),
        "alias": template.alias,
        "version": template.version,
        "subject": template.subject,
        "published": template.published_at is not None,
        "accountId": ids.show("account", template.account_id),
        "createdAt": clock.iso(template.created_at),
    }
