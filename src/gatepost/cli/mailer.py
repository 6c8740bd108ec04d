"""`gatepost mailer`: through whom an account sends its mails."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from gatepost.cli.common import COMMON, Common
from gatepost.cli.hidden import HIDDEN, Hidden

if TYPE_CHECKING:
    from gatepost.cli.local import Local
    from gatepost.domains.mailers.model import Mailer

app = App(name="mailer", help="Through whom mails leave: servers and providers.")

COLUMNS = ("id", "name", "kind", "priority", "enabled", "host", "url", "accountId")
Account = Annotated[
    str | None, Parameter(help="Account, by name or id; not needed where there is only one.")
]
Named = Annotated[str, Parameter(help="Its id, or its name where no other has it.")]


@Parameter(name="*")
@dataclass(frozen=True)
class Wishes:
    """What a mailer is like; what is left out of a change stays."""

    name: Annotated[str | None, Parameter(help="Its name: that of its kind.")] = None
    priority: Annotated[int | None, Parameter(help="Lower ones are asked first: 10.")] = None
    enabled: Annotated[
        bool | None, Parameter(negative="--disabled", help="Whether it is asked at all.")
    ] = None
    any_sender: Annotated[
        bool | None, Parameter(help="Whether it judges by itself in whose name it sends.")
    ] = None
    host: Annotated[str | None, Parameter(help="Of an SMTP server.")] = None
    port: Annotated[int | None, Parameter(help="465 for implicit, else 587.")] = None
    tls: Annotated[
        str | None, Parameter(help="implicit, required, opportunistic or none: required.")
    ] = None
    username: Annotated[str | None, Parameter(help="Of SES, the id of the access key.")] = None
    region: Annotated[str | None, Parameter(help="Of SES, as eu-central-1.")] = None
    url: Annotated[
        str | None, Parameter(help="Instead of a provider's own, that of something compatible.")
    ] = None
    stream: Annotated[str | None, Parameter(help="Postmark's message stream: outbound.")] = None


WISHES = Wishes()


@app.command(name="list")
def list_(*, account: Account = None, common: Common = COMMON) -> None:
    """List mailers in the order in which they are asked, of one account or of all."""
    from gatepost.cli import find, show
    from gatepost.cli.local import open_folder
    from gatepost.domains.mailers import store

    local = open_folder(common)
    with local.read() as tx:
        found = [it for owner in find.owners(tx, account) for it in store.list_(tx, owner)]
    show.many(common, "mailers", [_shown(local, it) for it in found], COLUMNS)


@app.command
def create(
    kind: Annotated[str, Parameter(help="smtp, sendgrid, resend, postmark or ses.")],
    /,
    *,
    wishes: Wishes = WISHES,
    hidden: Hidden = HIDDEN,
    account: Account = None,
    common: Common = COMMON,
) -> None:
    """Make a mailer: from now on the account's mails leave through its mailers alone."""
    from gatepost.cli import find
    from gatepost.cli.local import open_folder
    from gatepost.dialects.native import mailers
    from gatepost.engine import post
    from gatepost.web import validate

    given = validate.convert(mailers.NewMailerIn, {"kind": kind, **_given(wishes, hidden)})
    local = open_folder(common)
    new = mailers.read_new(local.settings, given)
    with local.write() as tx:
        owner = find.account(tx, account).id
        secrets = post.Secrets(local.pepper)
        made = post.create(tx, owner, new, secrets, local.actor, local.now())
    _print(common, local, made, "made")


@app.command
def update(
    mailer: Named,
    /,
    *,
    wishes: Wishes = WISHES,
    hidden: Hidden = HIDDEN,
    account: Account = None,
    common: Common = COMMON,
) -> None:
    """Change a mailer. Where it leads elsewhere, its secret is to be given again."""
    from gatepost.cli import find
    from gatepost.cli.local import open_folder
    from gatepost.dialects.native import mailers
    from gatepost.engine import post
    from gatepost.web import validate

    given = validate.convert(mailers.MailerChangesIn, _given(wishes, hidden))
    local = open_folder(common)
    changes, secrets = mailers.read_changes(local.settings, given), post.Secrets(local.pepper)
    with local.write() as tx:
        it = find.mailer(tx, account, mailer)
        now = local.now()
        it = post.change(tx, it.account_id, it.id, changes, secrets, local.actor, now)
    _print(common, local, it, "changed")


@app.command
def delete(mailer: Named, /, *, account: Account = None, common: Common = COMMON) -> None:
    """End a mailer: no mail leaves through it any more."""
    from gatepost.cli import find
    from gatepost.cli.local import open_folder
    from gatepost.engine import post

    local = open_folder(common)
    with local.write() as tx:
        it = find.mailer(tx, account, mailer)
        post.end(tx, it.account_id, it.id, local.actor, local.now())
    _print(common, local, it, "deleted", deleted=True)


def _given(wishes: Wishes, hidden: Hidden) -> dict[str, Any]:
    """Members as the API takes them."""
    members = asdict(wishes) | {"secret": hidden.read()}
    members["anySender"] = members.pop("any_sender")
    return {name: value for name, value in members.items() if value is not None}


def _print(common: Common, local: Local, it: Mailer, done: str, **more: Any) -> None:
    from gatepost.cli import show

    shown = _shown(local, it)
    text = f"{shown['id']}  {show.printable(it.name)}: {done}"
    show.one(common, {**shown, **more}, text)


def _shown(local: Local, it: Mailer) -> dict[str, Any]:
    import msgspec

    from gatepost.base import ids
    from gatepost.dialects.native import mailers
    from gatepost.engine import callbacks

    url = callbacks.link(local.settings, local.pepper, it)
    shown: dict[str, Any] = msgspec.to_builtins(mailers.show(it, url))
    return {**shown, "accountId": ids.show("account", it.account_id)}
