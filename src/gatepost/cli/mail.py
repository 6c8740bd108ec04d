"""`gatepost mail`: mails that were caught, because nobody is there to take them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from gatepost.cli.common import COMMON, Common, Limit

if TYPE_CHECKING:
    from gatepost.dialects.native.mailbox import WholeMailOut

app = App(name="mail", help="Mails that were caught, because nobody is there to take them.")

Account = Annotated[
    str | None, Parameter(help="Account, by name or id; not needed where there is only one.")
]
LIMIT = 20
SHOWN = ("From", "To", "Cc", "Reply-To", "Date", "Subject")


@app.command(name="list")
def list_(
    *,
    to: Annotated[str | None, Parameter(help="Those to one address.")] = None,
    limit: Limit = LIMIT,
    account: Account = None,
    common: Common = COMMON,
) -> None:
    """List caught mails, newest first."""
    import msgspec

    from gatepost.cli import find, show
    from gatepost.cli.local import open_folder
    from gatepost.dialects.native import mailbox as wire
    from gatepost.domains.mailbox import store

    recipient = None if to is None else _address(to)
    local = open_folder(common)
    with local.read() as tx:
        owner = find.account(tx, account)
        found = store.list_(tx, owner.id, recipient=recipient, limit=limit)
    rows = [msgspec.to_builtins(wire.show(one)) for one in found]
    show.many(common, "mails", rows, ("id", "createdAt", "from", "recipient", "subject"))


@app.command(name="show")
def show_(
    mail: Annotated[
        str | None, Parameter(help="Its id; left out, the newest one.", show_default=False)
    ] = None,
    /,
    *,
    raw: Annotated[bool, Parameter(negative="", help="As it would have gone out.")] = False,
    account: Account = None,
    common: Common = COMMON,
) -> None:
    """Show a caught mail as a mail program does."""
    from gatepost.base import ids
    from gatepost.base.ids import MailId
    from gatepost.cli import find, show
    from gatepost.cli.common import Failure, put
    from gatepost.cli.local import open_folder
    from gatepost.dialects.native import mailbox as wire
    from gatepost.domains.mailbox import store

    local = open_folder(common)
    with local.read() as tx:
        owner = find.account(tx, account)
        newest = store.list_(tx, owner.id, limit=1)
        if mail is None and not newest:
            raise Failure("no mail was caught")
        mail_id = newest[0].id if mail is None else MailId(ids.parse(wire.NOUN, mail))
        found, content = store.get(tx, owner.id, mail_id)
    if raw:
        put(content.decode().replace("\r\n", "\n").removesuffix("\n"))
        return
    whole = wire.whole(found, content)
    show.one(common, whole, _letter(whole))


@app.command
def send(
    to: Annotated[str, Parameter(help="An address.")],
    subject: Annotated[str, Parameter(help="One line.")],
    text: Annotated[str, Parameter(help="What it says.")],
    /,
    *,
    sender: Annotated[str | None, Parameter(name="--from", help="Left out: mail_from.")] = None,
    account: Account = None,
    common: Common = COMMON,
) -> None:
    """Send a mail: a running server delivers it within a second."""
    from gatepost.base import ids
    from gatepost.cli import find, show
    from gatepost.cli.local import open_folder
    from gatepost.engine.compose.email import compose
    from gatepost.engine.compose.mail import Mail
    from gatepost.engine.notify import Notify, notify

    local = open_folder(common)
    given = Mail(to=(to,), subject=subject, text=text, sender=sender or "")
    with local.write() as tx:
        owner = find.account(tx, account)
        project = find.project(tx, ids.show("account", owner.id), None)
        draft = compose(tx, owner.id, project.id, given, local.settings)
        asked = Notify(
            account_id=owner.id,
            project_id=project.id,
            now=local.now(),
            type="message.email",
            body=draft.body,
            targets=draft.targets,
            message_id=draft.message_id,
        )
        (done,) = notify(tx, [asked])
    shown = ids.show("message", done.message.id)
    show.one(common, {"id": shown}, shown)


def _address(text: str) -> str:
    from gatepost.base import emails
    from gatepost.base.errors import invalid

    try:
        return emails.read(text).spec
    except ValueError as wrong:
        raise invalid((["to"], str(wrong))) from None


def _letter(whole: WholeMailOut) -> str:
    """A mail as a person reads it; what could drive a terminal is blanked out."""
    from gatepost.cli.show import printable

    head = [f"{name}: {value}" for name, value in whole.headers if name in SHOWN]
    files = [f"[{one.filename}, {one.content_type}, {one.size} bytes]" for one in whole.attachments]
    body = (whole.text or whole.html or "").rstrip().split("\n")
    return "\n".join(printable(line) for line in (*head, "", *body, *files))
