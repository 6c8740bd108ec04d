"""Mail: what was caught because nobody takes it, and who is to take it."""

from gatepost.dashboard.routes import Section, action, page
from gatepost.dashboard.sections.mailbox import body, mailers, mails
from gatepost.gate.scopes import Scope

SECTION = Section(
    name="mailbox",
    title="Mail",
    icon="mail",
    shortcut="i",
    scope=Scope.MESSAGES_READ,
    routes=(
        page("/mailbox", mails.list_),
        page("/mailbox/{mail}", mails.show),
        page("/mailbox/{mail}/body", body.show),
        page("/mailbox/{mail}/raw", mails.raw),
        page("/mailbox/{mail}/files/{number}", mails.file),
        page("/mailers", mailers.list_),
        page("/mailers/new", mailers.ask_new),
        action("/mailers/new", mailers.create),
        page("/mailers/{mailer}", mailers.show),
        action("/mailers/{mailer}", mailers.change),
        action("/mailers/{mailer}/delete", mailers.delete),
    ),
)
