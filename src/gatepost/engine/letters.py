"""Letters: mails of the installation itself, to operators. They hold links that open an account, so
they belong to no account, where its members could read them, and their text is erased once sent.
"""

from __future__ import annotations

from gatepost.base.config import Settings
from gatepost.base.ids import NO_PROJECT
from gatepost.domains.audit.model import INSTALLATION
from gatepost.domains.outbox.policy import PRESETS
from gatepost.engine.compose.email import compose
from gatepost.engine.compose.mail import Mail
from gatepost.engine.notify import Notify, notify
from gatepost.storage.db import Tx

TYPE = "gatepost.operator"
INVITED = """\
{inviter} invites you to the account {account}, as {role}.

Open this link within 7 days to accept; it works once:

{link}

Whoever has the link can accept in your place, so do not pass it on. If you did not expect this,
there is nothing to do.
"""
RESET = """\
Somebody, probably you, asked for a new password for {email}.

Open this link within 24 hours to choose one; it works once:

{link}

If you did not ask for it, there is nothing to do: your password stays as it is.
"""


def base(settings: Settings) -> str:
    """Where links of mails lead to: never what a request claims to have asked."""
    return settings.public_url.rstrip("/") or f"http://{settings.host}:{settings.port}"


def link(settings: Settings, secret: str) -> str:
    """The address at which a secret opens something."""
    return f"{base(settings)}/dashboard/open/{secret}"


def invite(
    tx: Tx,
    settings: Settings,
    to: str,
    secret: str,
    now: int,
    *,
    inviter: str,
    account: str,
    role: str,
) -> None:
    """Put an invitation into the outbox; the caller rings for it."""
    where = link(settings, secret)
    text = INVITED.format(inviter=inviter, account=account, role=role, link=where)
    _send(tx, settings, to, f"You are invited to {_line(account)}", text, now)


def reset(tx: Tx, settings: Settings, to: str, secret: str, now: int) -> None:
    """Put a link for a new password into the outbox; the caller rings for it."""
    text = RESET.format(email=to, link=link(settings, secret))
    _send(tx, settings, to, "A new password for Gatepost", text, now)


def _send(tx: Tx, settings: Settings, to: str, subject: str, text: str, now: int) -> None:
    mail = Mail(
        to=(to,),
        subject=subject,
        text=text,
        policy=PRESETS["short"],
        track_opens=False,
        track_clicks=False,
    )
    draft = compose(tx, INSTALLATION, NO_PROJECT, mail, settings)
    wanted = Notify(
        account_id=INSTALLATION,
        project_id=NO_PROJECT,
        now=now,
        type=TYPE,
        body=draft.body,
        targets=draft.targets,
        message_id=draft.message_id,
        erase=True,
    )
    notify(tx, [wanted])


def _line(text: str) -> str:
    """A name from outside as a part of one line."""
    return " ".join(text.split())
