"""Every method of Emailit's own client.

The methods are those of the package that is installed: one that is new fails here until it has a
case.
"""

import inspect
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from emailit import EmailitClient  # type: ignore[import-untyped] # it comes without types
from emailit.exceptions import (  # type: ignore[import-untyped] # it comes without types
    InvalidRequestException,
)

from tests.dialects.emailit.mails import letter, somebody
from tests.dialects.emailit.wire import Account
from tests.server import unique

Case = Callable[[Any], None]
CASES: dict[str, Case] = {}
METHODS = sorted(
    f"{service}.{method}"
    for service, found in inspect.getmembers(EmailitClient, lambda one: isinstance(one, property))
    if service not in {"api_key", "api_base"}
    for method, _ in inspect.getmembers(
        inspect.get_annotations(found.fget, eval_str=True)["return"], inspect.isfunction
    )
    if not method.startswith("_")
)


def case(check: Case) -> Case:
    """A case of the method that it is called after: `service__method`."""
    CASES[check.__name__.replace("__", ".")] = check
    return check


def test_there_are_sixty_methods_and_each_has_a_case() -> None:
    assert sorted(CASES) == METHODS
    assert len(METHODS) == 60


@pytest.mark.parametrize("method", METHODS)
def test_it_does_what_it_says(account: Account, method: str) -> None:
    CASES[method](account.sdk())


def kind(thing: Any) -> str:
    """What the client has made of a reply, and the status that it had."""
    return f"{type(thing).__name__} {thing.get_last_response().status_code}"


def is_in(thing: Any, page: Any) -> bool:
    """Whether a page of a list has it, as an object of its own kind."""
    assert kind(page) == "Collection 200"
    assert page.has_more() is False
    found = [one for one in page if one.id == thing.id]
    return [type(one) for one in found] == [type(thing)]


def is_deleted(gone: Any, thing: Any) -> bool:
    return (gone.id, gone.deleted) == (thing.id, True)


def is_missing(get: Callable[..., Any], *ids: str) -> bool:
    with pytest.raises(InvalidRequestException) as refusal:
        get(*ids)
    return bool(refusal.value.http_status == 404)


# API keys


def a_key(client: Any) -> Any:
    return client.api_keys.create({"name": unique("key")})


@case
def api_keys__create(client: Any) -> None:
    made = client.api_keys.create({"name": "My API Key", "scope": "sending"})
    assert kind(made) == "ApiKey 201"
    assert (made.name, made.scope, made.sending_domain_id) == ("My API Key", "sending", None)
    assert made.key.startswith("em_live_")


@case
def api_keys__get(client: Any) -> None:
    made = a_key(client)
    found = client.api_keys.get(made.id)
    assert kind(found) == "ApiKey 200"
    assert (found.name, found.key) == (made.name, None)


@case
def api_keys__list(client: Any) -> None:
    assert is_in(a_key(client), client.api_keys.list())
    page = client.api_keys.list({"limit": 1, "page": 1})
    assert (len(page), page.has_more()) == (1, True)


@case
def api_keys__update(client: Any) -> None:
    made, name = a_key(client), unique("renamed")
    assert client.api_keys.update(made.id, {"name": name}).name == name


@case
def api_keys__delete(client: Any) -> None:
    made = a_key(client)
    assert is_deleted(client.api_keys.delete(made.id), made)
    assert is_missing(client.api_keys.get, made.id)


# Domains


def a_domain(client: Any) -> Any:
    return client.domains.create({"name": f"{unique('mail')}.example.com"})


@case
def domains__create(client: Any) -> None:
    name = f"{unique('mail')}.example.com"
    made = client.domains.create({"name": name, "track_loads": True, "track_clicks": False})
    assert kind(made) == "Domain 201"
    assert (made.name, made.track_loads, made.track_clicks) == (name, 1, 0)


@case
def domains__get(client: Any) -> None:
    made = a_domain(client)
    found = client.domains.get(made.id)
    assert kind(found) == "Domain 200"
    assert found.dns_records == made.dns_records


@case
def domains__verify(client: Any) -> None:
    looked = client.domains.verify(a_domain(client).id)
    assert kind(looked) == "Domain 200"
    assert looked.verification_status == "not_verified"
    assert looked.dns_checked_at


@case
def domains__update(client: Any) -> None:
    assert client.domains.update(a_domain(client).id, {"track_clicks": True}).track_clicks == 1


@case
def domains__list(client: Any) -> None:
    assert is_in(a_domain(client), client.domains.list({"limit": 100}))


@case
def domains__delete(client: Any) -> None:
    made = a_domain(client)
    assert is_deleted(client.domains.delete(made.id), made)
    assert is_missing(client.domains.get, made.id)


# E-mails


def an_email(client: Any, **more: Any) -> Any:
    return client.emails.send(letter(somebody(), **more))


def in_an_hour(hours: int = 1) -> str:
    return (datetime.now(UTC) + timedelta(hours=hours)).isoformat()


@case
def emails__send(client: Any) -> None:
    to = somebody()
    sent = client.emails.send(letter(to))
    assert kind(sent) == "Email 201"
    assert (sent.status, sent.ids) == ("accepted", {to: sent.id})


@case
def emails__list(client: Any) -> None:
    assert is_in(an_email(client), client.emails.list({"type": "outbound"}))


@case
def emails__get(client: Any) -> None:
    found = client.emails.get(an_email(client).id)
    assert kind(found) == "Email 200"
    assert found.subject == "Hello"


@case
def emails__get_raw(client: Any) -> None:
    found = client.emails.get_raw(an_email(client).id)
    assert kind(found).endswith(" 200")
    assert "Subject: Hello" in found.raw


@case
def emails__get_attachments(client: Any) -> None:
    files = [{"filename": "a.txt", "content": "aGVsbG8=", "content_type": "text/plain"}]
    found = client.emails.get_attachments(an_email(client, attachments=files).id)
    assert kind(found) == "Collection 200"
    assert [(one.filename, one.content) for one in found] == [("a.txt", "aGVsbG8=")]


@case
def emails__get_body(client: Any) -> None:
    found = client.emails.get_body(an_email(client).id)
    assert (found.text, found.html) == ("How are you?", None)


@case
def emails__get_meta(client: Any) -> None:
    found = client.emails.get_meta(an_email(client, meta={"order": "1"}).id)
    assert kind(found).endswith(" 200")
    assert '"order"' in found.get_last_response().body


@case
def emails__update(client: Any) -> None:
    sent = an_email(client, scheduled_at=in_an_hour())
    put_off = client.emails.update(sent.id, {"scheduled_at": in_an_hour(2)})
    assert put_off.scheduled_at > sent.scheduled_at


@case
def emails__cancel(client: Any) -> None:
    sent = an_email(client, scheduled_at=in_an_hour())
    assert client.emails.cancel(sent.id).status == "canceled"


@case
def emails__retry(client: Any) -> None:
    """One that is suppressed can be sent again."""
    to = somebody()
    stop = client.suppressions.create({"email": to})
    sent = client.emails.send(letter(to))
    client.suppressions.delete(stop.id)
    again = client.emails.retry(sent.id)
    assert kind(again) == "Email 201"
    assert again.original_id == sent.id
    assert again.id != sent.id


# Webhooks


def a_webhook(client: Any) -> Any:
    url = "https://example.com/hook"
    return client.webhooks.create({"name": unique("hook"), "url": url, "all_events": True})


@case
def webhooks__create(client: Any) -> None:
    made = a_webhook(client)
    assert kind(made) == "Webhook 201"
    assert made.secret.startswith("whsec_")


@case
def webhooks__get(client: Any) -> None:
    made = a_webhook(client)
    found = client.webhooks.get(made.id)
    assert kind(found) == "Webhook 200"
    assert (found.url, found.secret) == (made.url, None)


@case
def webhooks__update(client: Any) -> None:
    assert client.webhooks.update(a_webhook(client).id, {"enabled": False}).enabled is False


@case
def webhooks__list(client: Any) -> None:
    assert is_in(a_webhook(client), client.webhooks.list())


@case
def webhooks__delete(client: Any) -> None:
    made = a_webhook(client)
    assert is_deleted(client.webhooks.delete(made.id), made)
    assert is_missing(client.webhooks.get, made.id)


# Events


@case
def events__list(client: Any) -> None:
    made = a_domain(client)
    page = client.events.list({"type": "domain.created", "include_data": True})
    assert kind(page) == "Collection 200"
    assert [(one.type, one.data["object"]["id"]) for one in page] == [("domain.created", made.id)]


@case
def events__get(client: Any) -> None:
    made = a_domain(client)
    (listed,) = client.events.list()
    found = client.events.get(listed.id)
    assert kind(found) == "Event 200"
    assert found.data["object"]["id"] == made.id


# Templates


def a_template(client: Any, alias: str | None = None) -> Any:
    alias = alias or unique("welcome")
    made = client.templates.create(
        {
            "name": f"Template {alias}",
            "alias": alias,
            "from": "hello@acme.example",
            "subject": "Hello {{name}}",
            "html": "<p>Hello {{name}}</p>",
            "editor": "html",
        }
    )
    return of_template(made)


def of_template(answer: Any) -> Any:
    """A template is one itself, or within `data`."""
    return type(answer)(answer.data) if isinstance(answer.data, dict) else answer


@case
def templates__create(client: Any) -> None:
    made = a_template(client)
    assert made.id.startswith("tem_")
    assert made.published_at is not None


@case
def templates__get(client: Any) -> None:
    made = a_template(client)
    found = client.templates.get(made.id)
    assert found.get_last_response().status_code == 200
    assert (found.data["id"], found.data["alias"]) == (made.id, made.alias)
    assert [one["id"] for one in found.data["versions"]] == [made.id]


@case
def templates__update(client: Any) -> None:
    made = a_template(client)
    assert of_template(client.templates.update(made.id, {"subject": "Bye"})).subject == "Bye"


@case
def templates__list(client: Any) -> None:
    made = a_template(client)
    page = client.templates.list({"filter[alias]": made.alias})
    assert kind(page) == "Collection 200"
    assert [one.id for one in page] == [made.id]
    assert (page.total_records, page.has_more()) == (1, False)


@case
def templates__publish(client: Any) -> None:
    first = a_template(client)
    draft = a_template(client, first.alias)
    assert draft.published_at is None
    assert of_template(client.templates.publish(draft.id)).published_at is not None


@case
def templates__delete(client: Any) -> None:
    made = a_template(client)
    assert client.templates.delete(made.id).get_last_response().status_code == 200
    assert is_missing(client.templates.get, made.id)


# Suppressions


def a_suppression(client: Any) -> Any:
    return client.suppressions.create({"email": somebody(), "reason": "Asked for it"})


@case
def suppressions__create(client: Any) -> None:
    made = a_suppression(client)
    assert kind(made) == "Suppression 201"
    assert (made.type, made.reason) == ("recipient", "Asked for it")


@case
def suppressions__get(client: Any) -> None:
    made = a_suppression(client)
    assert client.suppressions.get(made.id).email == made.email
    assert client.suppressions.get(made.email).id == made.id


@case
def suppressions__update(client: Any) -> None:
    made = a_suppression(client)
    assert client.suppressions.update(made.id, {"reason": "Else"}).reason == "Else"


@case
def suppressions__list(client: Any) -> None:
    assert is_in(a_suppression(client), client.suppressions.list())


@case
def suppressions__delete(client: Any) -> None:
    made = a_suppression(client)
    client.suppressions.delete(made.email)
    assert is_missing(client.suppressions.get, made.id)


# Contacts, audiences and subscribers


def a_contact(client: Any) -> Any:
    return client.contacts.create({"email": somebody(), "first_name": "Ada"})


@case
def contacts__create(client: Any) -> None:
    made = a_contact(client)
    assert kind(made) == "Contact 201"
    assert made.first_name == "Ada"


@case
def contacts__get(client: Any) -> None:
    made = a_contact(client)
    assert client.contacts.get(made.id).email == made.email
    assert client.contacts.get(made.email).id == made.id


@case
def contacts__update(client: Any) -> None:
    assert client.contacts.update(a_contact(client).id, {"last_name": "L"}).last_name == "L"


@case
def contacts__list(client: Any) -> None:
    assert is_in(a_contact(client), client.contacts.list())


@case
def contacts__delete(client: Any) -> None:
    made = a_contact(client)
    assert is_deleted(client.contacts.delete(made.id), made)
    assert is_missing(client.contacts.get, made.id)


def an_audience(client: Any) -> Any:
    return client.audiences.create({"name": unique("audience")})


@case
def audiences__create(client: Any) -> None:
    made = an_audience(client)
    assert kind(made) == "Audience 201"
    assert made.token


@case
def audiences__get(client: Any) -> None:
    made = an_audience(client)
    found = client.audiences.get(made.id)
    assert kind(found) == "Audience 200"
    assert found.name == made.name


@case
def audiences__update(client: Any) -> None:
    name = unique("renamed")
    assert client.audiences.update(an_audience(client).id, {"name": name}).name == name


@case
def audiences__list(client: Any) -> None:
    assert is_in(an_audience(client), client.audiences.list())


@case
def audiences__delete(client: Any) -> None:
    made = an_audience(client)
    assert is_deleted(client.audiences.delete(made.id), made)
    assert is_missing(client.audiences.get, made.id)


def a_subscriber(client: Any) -> Any:
    audience = an_audience(client)
    return client.subscribers.create(audience.id, {"email": somebody(), "first_name": "Ada"})


@case
def subscribers__create(client: Any) -> None:
    made = a_subscriber(client)
    assert kind(made) == "Subscriber 201"
    assert (made.first_name, made.subscribed) == ("Ada", True)
    assert client.contacts.get(made.contact_id).email == made.email


@case
def subscribers__get(client: Any) -> None:
    made = a_subscriber(client)
    found = client.subscribers.get(made.audience_id, made.id)
    assert kind(found) == "Subscriber 200"
    assert found.email == made.email


@case
def subscribers__update(client: Any) -> None:
    made = a_subscriber(client)
    changed = client.subscribers.update(made.audience_id, made.id, {"subscribed": False})
    assert (changed.subscribed, bool(changed.unsubscribed_at)) == (False, True)


@case
def subscribers__list(client: Any) -> None:
    made = a_subscriber(client)
    assert is_in(made, client.subscribers.list(made.audience_id, {"subscribed": True}))


@case
def subscribers__delete(client: Any) -> None:
    made = a_subscriber(client)
    client.subscribers.delete(made.audience_id, made.id)
    assert is_missing(client.subscribers.get, made.audience_id, made.id)


# E-mail verifications


@case
def email_verifications__verify(client: Any) -> None:
    found = client.email_verifications.verify({"email": somebody(), "mode": "full"})
    assert kind(found).startswith("EmailVerification ")
    assert found.result


def a_list(client: Any) -> Any:
    emails = [somebody(), somebody()]
    return client.email_verification_lists.create({"name": unique("list"), "emails": emails})


@case
def email_verification_lists__create(client: Any) -> None:
    assert kind(a_list(client)) == "EmailVerificationList 201"


@case
def email_verification_lists__list(client: Any) -> None:
    assert is_in(a_list(client), client.email_verification_lists.list())


@case
def email_verification_lists__get(client: Any) -> None:
    made = a_list(client)
    found = client.email_verification_lists.get(made.id)
    assert kind(found) == "EmailVerificationList 200"
    assert found.name == made.name


@case
def email_verification_lists__results(client: Any) -> None:
    page = client.email_verification_lists.results(a_list(client).id, {"limit": 50})
    assert kind(page) == "Collection 200"
    assert len(page) == 2


@case
def email_verification_lists__export(client: Any) -> None:
    assert client.email_verification_lists.export(a_list(client).id).status_code == 200
