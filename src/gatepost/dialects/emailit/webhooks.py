"""`/v2/webhooks`: URLs that are told what happens."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from gatepost.base import ids
from gatepost.base.errors import AppError, Code, not_found
from gatepost.base.ids import EndpointId
from gatepost.delivery import signing
from gatepost.dialects.emailit import lists, manage, webhookwire, wire
from gatepost.dialects.emailit.envelope import reply
from gatepost.dialects.emailit.lists import Asked, PageQuery
from gatepost.dialects.emailit.webhookrequests import RequestOut, show_request
from gatepost.dialects.emailit.webhookwire import (
    KIND,
    DeletedWebhookOut,
    MadeWebhookOut,
    NewWebhookIn,
    WebhookChangesIn,
    WebhookOut,
    WebhooksOut,
)
from gatepost.domains.accounts import store as accounts
from gatepost.domains.endpoints import store
from gatepost.domains.endpoints.model import Endpoint as Listener
from gatepost.domains.outbox import store as outbox
from gatepost.engine import enlist, example
from gatepost.engine.enlist import NewEndpoint, Safe
from gatepost.gate.once import Reply
from gatepost.gate.scopes import Scope
from gatepost.limiter.contract import Window
from gatepost.storage.db import Tx
from gatepost.web.contract import Call
from gatepost.web.validate import Body

PATH = "/v2/webhooks"
ONE = f"{PATH}/{{id}}"
TESTS = Window("webhook tests", 5, 60)
NAME_TAKEN = "Webhook name already exists"

_new_body = Body(NewWebhookIn)
_changes_body = Body(WebhookChangesIn)


class Creation(msgspec.Struct, frozen=True):
    """A webhook to be, and whether it is told anything yet."""

    new: NewEndpoint
    enabled: bool


class Change(msgspec.Struct, frozen=True):
    """What to change of which webhook; `which` is its id or its name."""

    which: str
    given: WebhookChangesIn


def parse_new(call: Call, body: bytes) -> Creation:
    """Read a webhook to be; raises INVALID."""
    given: NewWebhookIn = _new_body.decode(body)
    new = webhookwire.read_new(call.services.settings, call.project_id, given)
    return Creation(new, given.enabled)


def create(tx: Tx, call: Call, command: Creation) -> Reply:
    """Make a webhook."""
    manage.grantor(tx, call)
    _check_name(tx, call, command.new.name)
    safe, account_id = Safe(call.services.pepper), call.caller.account_id
    made = enlist.create(
        tx, account_id, command.new, signing.new_secret(), safe, call.actor, call.now
    )
    endpoint = made.endpoint
    if not command.enabled:
        endpoint = enlist.disable(tx, account_id, endpoint.id, call.actor, call.now)
    tx.after_commit(call.services.listening)
    return reply(webhookwire.show_made(endpoint, made.secret), 201, secret=True)


def parse_list(call: Call, _body: bytes) -> Asked:
    """Read which webhooks; raises INVALID."""
    return lists.read(call, PATH)


def list_(tx: Tx, call: Call, asked: Asked) -> Reply:
    """A page of the project's webhooks."""
    found = reversed(_all(tx, call))
    rows = [msgspec.to_builtins(_shown(tx, one)) for one in found]
    return lists.answer(call, rows, asked)


def parse_which(call: Call, _body: bytes) -> str:
    """Read the id or name in the path."""
    return call.params["id"]


def get(tx: Tx, call: Call, which: str) -> Reply:
    """Read one webhook."""
    return reply(_shown(tx, find(tx, call, which)))


def parse_changes(call: Call, body: bytes) -> Change:
    """Read what to change; raises INVALID."""
    given: WebhookChangesIn = _changes_body.decode(body)
    webhookwire.check_url(call.services.settings, given.url)
    return Change(call.params["id"], given)


def update(tx: Tx, call: Call, command: Change) -> Reply:
    """Change a webhook."""
    manage.grantor(tx, call)
    it, safe, given = find(tx, call, command.which), Safe(call.services.pepper), command.given
    if isinstance(given.name, str):
        _check_name(tx, call, given.name, it)
    changes = webhookwire.changes(it, given)
    changed = enlist.update(tx, it.account_id, it.id, changes, safe, call.actor, call.now)
    if isinstance(given.enabled, bool) and given.enabled is not _is_enabled(changed):
        switch = enlist.enable if given.enabled else enlist.disable
        changed = switch(tx, it.account_id, it.id, call.actor, call.now)
    _changed(tx, call)
    return reply(_shown(tx, changed))


def _switches(verb: Callable[..., Listener]) -> Callable[[Tx, Call, str], Reply]:
    def run(tx: Tx, call: Call, which: str) -> Reply:
        """Switch a webhook on or off."""
        manage.grantor(tx, call)
        it = find(tx, call, which)
        switched = verb(tx, it.account_id, it.id, call.actor, call.now)
        _changed(tx, call)
        return reply(_shown(tx, switched))

    return run


def reset_secret(tx: Tx, call: Call, which: str) -> Reply:
    """Give a webhook a new secret; the one before signs nothing more."""
    manage.grantor(tx, call)
    it, safe, secret = find(tx, call, which), Safe(call.services.pepper), signing.new_secret()
    made = enlist.rotate(tx, it.account_id, it.id, secret, 0, safe, call.actor, call.now)
    last = outbox.last_tried(tx, it.account_id, it.id)
    return reply(webhookwire.show_made(made.endpoint, made.secret, last), secret=True)


async def prepare_test(call: Call, which: str) -> str:
    """Count the tests of a webhook; raises NOT_FOUND, or THROTTLED."""
    it = await call.services.database.read(lambda tx: find(tx, call, which))
    what = f"webhook-test:{it.id.hex()}"
    await call.services.admission.seldom(call.caller, what, TESTS, call.now)
    return ids.show(wire.WEBHOOK, it.id)


def test(tx: Tx, call: Call, which: str) -> Reply:
    """Send a webhook an example of what it is told."""
    it = find(tx, call, which)
    plain = (one for one in webhookwire.told(it) if not one.endswith("*"))
    milestone = next(plain, example.DELIVERED)
    message, delivery = example.send(tx, it, example.MILESTONES, call.now, milestone=milestone)
    tx.after_commit(call.services.due)
    return reply(show_request(message, delivery))


def delete(tx: Tx, call: Call, which: str) -> Reply:
    """End a webhook."""
    manage.grantor(tx, call)
    it = find(tx, call, which)
    gone = enlist.end(tx, it.account_id, it.id, call.actor, call.now)
    return reply(DeletedWebhookOut(ids.show(wire.WEBHOOK, gone.id), gone.name))


def find(tx: Tx, call: Call, which: str) -> Listener:
    """The project's webhook of that id or, where there is none, of that name; raises NOT_FOUND."""
    mine = _all(tx, call)
    try:
        wanted = EndpointId(wire.read_id(wire.WEBHOOK, which))
    except AppError:
        wanted = None
    by_id = (one for one in mine if one.id == wanted)
    found = next(by_id, None) or next((one for one in mine if one.name == which), None)
    if found is None:
        raise not_found("webhook with this id or name")
    return found


def _all(tx: Tx, call: Call) -> list[Listener]:
    """The project's, oldest first."""
    found = store.list_(tx, call.caller.account_id, project_id=call.project_id)
    return [one for one in found if webhookwire.is_webhook(one)]


def _check_name(tx: Tx, call: Call, name: str, mine: Listener | None = None) -> None:
    """Raise CONFLICT for a name that another one has; nobody gives one meanwhile."""
    accounts.hold(tx, call.caller.account_id)
    for one in _all(tx, call):
        if one.name == name and mine is None:
            words = "Webhook already exists"
            raise wire.conflict(wire.WEBHOOK, one.id, KIND, words, name=one.name)
        if one.name == name and mine is not None and one.id != mine.id:
            raise wire.refusal(Code.CONFLICT, NAME_TAKEN)


def _is_enabled(endpoint: Listener) -> bool:
    return webhookwire.show(endpoint, None).enabled


def _changed(tx: Tx, call: Call) -> None:
    tx.after_commit(call.services.listening)
    tx.after_commit(call.services.due)


def _shown(tx: Tx, endpoint: Listener) -> WebhookOut:
    last = outbox.last_tried(tx, endpoint.account_id, endpoint.id)
    return webhookwire.show(endpoint, last)


_endpoint = manage.managing("Webhooks", Scope.ENDPOINTS_READ, Scope.ENDPOINTS_WRITE)


def _on_one(operation: str, verb: str, **more: Any) -> Any:
    return _endpoint(operation, "POST", f"{ONE}/{verb}", parse=parse_which, **more)


ENDPOINTS = (
    _endpoint(
        "createWebhook",
        "POST",
        PATH,
        summary="Make a webhook",
        description="It is told of what happens from now on. The reply shows its signing secret, "
        "once. A name that is taken is 409, and `existing` is the webhook that has it.",
        parse=parse_new,
        run=create,
        status=201,
        request=NewWebhookIn,
        response=MadeWebhookOut,
        example={
            "name": "My webhook",
            "url": "https://example.com/hook",
            "events": ["email.delivered", "email.bounced"],
        },
        errors=(Code.CONFLICT,),
    ),
    _endpoint(
        "listWebhooks",
        "GET",
        PATH,
        summary="List webhooks",
        description="Newest first.",
        parse=parse_list,
        run=list_,
        query=PageQuery,
        response=WebhooksOut,
    ),
    _endpoint(
        "getWebhook",
        "GET",
        ONE,
        summary="Read a webhook",
        description="By its id, or by its name.",
        parse=parse_which,
        run=get,
        response=WebhookOut,
    ),
    _endpoint(
        "updateWebhook",
        "POST",
        ONE,
        summary="Change a webhook",
        description="What is still to be sent goes to the new URL. One that is enabled again "
        "begins without the failures it had.",
        parse=parse_changes,
        run=update,
        request=WebhookChangesIn,
        response=WebhookOut,
        example={"enabled": False},
        errors=(Code.CONFLICT,),
    ),
    _endpoint(
        "deleteWebhook",
        "DELETE",
        ONE,
        summary="End a webhook",
        description="Nothing more is sent to it.",
        parse=parse_which,
        run=delete,
        response=DeletedWebhookOut,
    ),
    _on_one(
        "enableWebhook",
        "enable",
        summary="Enable a webhook",
        description="It is told things again, and what failed before is forgotten.",
        run=_switches(enlist.enable),
        response=WebhookOut,
    ),
    _on_one(
        "disableWebhook",
        "disable",
        summary="Disable a webhook",
        description="It is told nothing more, and what happens meanwhile is not kept for it.",
        run=_switches(enlist.disable),
        response=WebhookOut,
    ),
    _on_one(
        "resetWebhookSecret",
        "reset-secret",
        summary="Give a webhook a new secret",
        description="The one before signs nothing more. The reply shows the new one, once.",
        run=reset_secret,
        response=MadeWebhookOut,
    ),
    _on_one(
        "testWebhook",
        "test",
        summary="Send a webhook an example",
        description="A real, signed request, tried once, with `test: true` in its body; five a "
        "minute. It goes to a disabled webhook as well.",
        prepare=prepare_test,
        run=test,
        response=RequestOut,
    ),
)
