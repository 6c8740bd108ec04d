"""E-mails that are sent once, however often they are asked for, and not faster than is allowed."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests import plain
from tests.delivery.conftest import NEAR
from tests.delivery.receiver import Receiver, answers
from tests.delivery.smtp import Mailserver
from tests.dialects.emailit.mails import letter, send, somebody, use
from tests.dialects.emailit.wire import Account, data_of, refused
from tests.server import Server, unique
from tests.waiting import wait_for

AT_ONCE = 50
KEYS = 120
CROWDS = 10


def post(account: Account, key: str, body: dict[str, Any], path: str = "") -> httpx2.Response:
    return account.send("POST", f"/emails{path}", body, Idempotency_Key=key)


def test_a_repeat_is_answered_and_sends_nothing(poster: Account, mailserver: Mailserver) -> None:
    to, key = somebody(), unique("once")
    first = post(poster, key, letter(to))
    assert first.status_code == 201
    assert "x-idempotent-replay" not in first.headers
    for body in (letter(to), letter(somebody(), subject="Another one")):
        again = post(poster, key, body)
        assert (again.status_code, again.content) == (200, first.content)
        assert again.headers["x-idempotent-replay"] == "true"
    mailserver.one(to)
    assert len(poster.get("/emails")["data"]) == 1


@pytest.mark.parametrize("key", ["x" * 257, "a b", "ä", "a/b"])
def test_what_no_key_can_be(account: Account, key: str) -> None:
    bearer = f"Bearer {account.key.secret}".encode()
    headers = {b"Authorization": bearer, b"Idempotency-Key": key.encode()}
    url = f"{account.server.address}/v2/emails"
    answer = account.http.post(url, json=letter(somebody()), headers=headers)
    assert refused(answer, 400)["error"] == "Validation failed"
    assert account.get("/emails")["data"] == []


def test_a_refused_request_leaves_the_key_free(account: Account) -> None:
    key = unique("once")
    body = {"from": "a@b.example", "to": somebody(), "template": unique("none")}
    assert post(account, key, body).status_code == 404
    assert post(account, key, letter(somebody())).status_code == 201


def test_a_key_is_its_accounts_and_its_requests(account: Account, stranger: Account) -> None:
    key = unique("once")
    sent = data_of(post(account, key, letter(somebody())), 201)
    assert post(stranger, key, letter(somebody())).status_code == 201
    answer = post(account, key, {"to": somebody()}, f"/{sent['id']}/forward")
    assert answer.status_code == 409


def test_elsewhere_a_key_is_passed_over(account: Account) -> None:
    sent = send(account, somebody(), scheduled_at=time.time() + 7200)
    for _ in range(2):
        body = {"scheduled_at": time.time() + 3600}
        answer = post(account, "not a key", body, f"/{sent['id']}")
        assert answer.status_code == 200
        assert "x-idempotent-replay" not in answer.headers


async def test_many_at_once_with_one_key_are_one(poster: Account) -> None:
    to, key = somebody(), unique("once")
    headers = {"Authorization": f"Bearer {poster.key.secret}", "Idempotency-Key": key}
    async with plain.AsyncClient(timeout=60) as http:
        url = f"{poster.server.address}/v2/emails"
        asked = [http.post(url, json=letter(to), headers=headers) for _ in range(AT_ONCE)]
        answers_ = await asyncio.gather(*asked)
    statuses = sorted(one.status_code for one in answers_)
    assert statuses == [200] * (AT_ONCE - 1) + [201]
    assert len({one.content for one in answers_}) == 1
    assert [one["to"] for one in poster.get("/emails")["data"]] == [to]


def test_a_repeat_needs_no_template_and_no_file_any_more(
    poster: Account, receiver: Receiver
) -> None:
    key, alias = unique("once"), unique("alias")
    made = {"alias": alias, "name": alias, "subject": "x", "text": "y"}
    template = poster.native("POST", "/v1/templates", made).json()["data"]
    url, path = receiver.place(answers(200, b"file", "Content-Type: text/plain"))
    files = [{"filename": "x.txt", "url": url}]
    body = {"from": "a@b.example", "to": somebody(), "template": alias, "attachments": files}
    first = post(poster, key, body)
    assert first.status_code == 201, first.text
    assert poster.native("DELETE", f"/v1/templates/{template['id']}").status_code == 200
    again = post(poster, key, body)
    assert (again.status_code, again.content) == (200, first.content)
    assert len(receiver.at(path)) == 1


@pytest.fixture
def killed(tmp_path: Path) -> Iterator[Server]:
    with Server(tmp_path / "data", env=NEAR) as running:
        yield running


@pytest.mark.timeout(120)
async def test_a_killed_server_sends_each_once(
    killed: Server, http: httpx2.Client, mailserver: Mailserver
) -> None:
    account = Account(killed, http)
    use(account, mailserver)
    letters = {unique("once"): letter(somebody()) for _ in range(KEYS)}
    known: dict[str, str] = {}
    load = asyncio.gather(*(acknowledged(account, key, one, known) for key, one in letters.items()))
    await asyncio.to_thread(wait_for, lambda: len(known) >= KEYS // 4, "load", 60)
    killed.kill()
    await load
    before = dict(known)
    killed.start()
    await asyncio.gather(*(acknowledged(account, key, one, known) for key, one in letters.items()))
    assert len(known) == KEYS
    assert before.items() <= known.items()
    assert len(set(known.values())) == KEYS
    query = "SELECT count(*) FROM messages WHERE type = 'emailit.email'"
    assert killed.query(query)[0][0] == KEYS
    assert killed.query("SELECT count(*) FROM deliveries")[0][0] >= KEYS
    for one in letters.values():
        await asyncio.to_thread(mailserver.one, one["to"])


@pytest.mark.timeout(120)
async def test_fifty_at_once_with_one_key_are_one_when_the_server_is_killed(
    killed: Server, http: httpx2.Client, mailserver: Mailserver
) -> None:
    """Of one key after the other: the server dies amid them, and all are asked again."""
    account = Account(killed, http)
    use(account, mailserver)
    letters = {unique("once"): letter(somebody()) for _ in range(CROWDS)}
    known: dict[str, str] = {}
    crowd = [pair for pair in letters.items() for _ in range(AT_ONCE)]
    dead: list[str] = []
    room = asyncio.Semaphore(AT_ONCE)

    async def ask(key: str, body: dict[str, Any]) -> bool:
        async with room:
            done = await acknowledged(account, key, body, known)
            if len(known) > CROWDS // 2 and not dead:
                dead.append(key)
                killed.kill()
        return done

    answered = await asyncio.gather(*(ask(*pair) for pair in crowd))
    assert dead
    assert not all(answered), "it died when all had been answered"
    before = dict(known)
    killed.start()
    await asyncio.gather(*(acknowledged(account, *pair, known) for pair in crowd))
    assert before.items() <= known.items()
    assert (len(known), len(set(known.values()))) == (CROWDS, CROWDS)
    query = "SELECT count(*) FROM messages WHERE type = 'emailit.email'"
    assert killed.query(query)[0][0] == CROWDS
    for one in letters.values():
        await asyncio.to_thread(mailserver.one, one["to"])


async def acknowledged(
    account: Account, key: str, body: dict[str, Any], known: dict[str, str]
) -> bool:
    """Send one; what is acknowledged is `known` by its key, and stays what it was. Whether it
    was.
    """
    headers = {"Authorization": f"Bearer {account.key.secret}", "Idempotency-Key": key}
    async with plain.AsyncClient(timeout=30) as http:
        try:
            url = f"{account.server.address}/v2/emails"
            answer = await http.post(url, json=body, headers=headers)
        except httpx2.TransportError:
            return False
    assert answer.status_code in {200, 201}, answer.text
    assert known.setdefault(key, answer.json()["id"]) == answer.json()["id"]
    return True


def on_plan(server: Server, http: httpx2.Client, *options: str) -> Account:
    """An account with a plan of its own."""
    name = unique("plan")
    server.cli("plan", "set", name, *options)
    made = Account(server, http, plan=name)
    made.key = made.make_key(limit=None)
    return made


def test_recipients_are_limited_over_all_keys_and_apis(server: Server, http: httpx2.Client) -> None:
    account = on_plan(server, http, "--mail-limit", "4/3600s")
    first = account.send("POST", "/emails", letter(somebody()))
    assert (first.status_code, standing(first)) == (201, ("4", "3"))
    mail = {"email": {"to": [somebody(), somebody()], "subject": "x", "text": "y"}}
    assert account.native("POST", "/v1/messages", mail).status_code == 202
    other = account.make_key(limit=None, scope="sending").secret
    over = letter([somebody() for _ in range(3)])
    last = account.send("POST", "/emails", over, key=other)
    assert (last.status_code, standing(last)) == (201, ("4", "0"))
    answer = account.send("POST", "/emails", letter(somebody()))
    found = refused(answer, 429)
    assert standing(answer) == ("4", "0")
    assert 3500 < found.pop("retry_after") <= 3600
    assert found == {
        "error": "Rate limit exceeded",
        "message": "Too many requests. Maximum 4 messages in 3600 seconds allowed.",
        "limit": 4,
        "current": 4,
    }
    assert account.native("POST", "/v1/messages", mail).status_code == 429
    assert account.send("GET", "/emails").status_code == 200


def standing(answer: httpx2.Response) -> tuple[str, str]:
    """Limit and remaining; when that grows is there as well."""
    headers = answer.headers
    assert 0 < int(headers["ratelimit-reset"]) <= 3600
    return headers["ratelimit-limit"], headers["ratelimit-remaining"]


def test_a_repeat_is_not_limited(server: Server, http: httpx2.Client) -> None:
    account, key = on_plan(server, http, "--mail-limit", "1/3600s"), unique("once")
    assert post(account, key, letter(somebody())).status_code == 201
    assert post(account, key, letter(somebody())).status_code == 200
    assert post(account, unique("once"), letter(somebody())).status_code == 429


async def test_emailits_plan(server: Server, http: httpx2.Client) -> None:
    account = Account(server, http, plan="emailit")
    secret = account.make_key(limit=None).secret
    async with plain.AsyncClient(timeout=60) as many:
        url, headers = f"{server.address}/v2/emails", {"Authorization": f"Bearer {secret}"}
        asked = [many.post(url, json=letter(somebody()), headers=headers) for _ in range(20)]
        found = await asyncio.gather(*asked)
    good = [one for one in found if one.status_code == 201]
    bad = [one for one in found if one.status_code == 429]
    assert len(good) + len(bad) == 20
    assert len(good) >= 2
    assert bad[0].json()["message"] == "Too many requests. Maximum 2 messages per second allowed."
    assert {one.headers["ratelimit-limit"] for one in found} == {"2"}
    lefts = {int(one.headers["ratelimit-daily-remaining"]) for one in good}
    assert lefts == {5000 - number for number in range(1, len(good) + 1)}
    assert all(0 < int(one.headers["ratelimit-daily-reset"]) <= 86_400 for one in good)


def test_a_day_has_so_many(server: Server, http: httpx2.Client) -> None:
    account = on_plan(server, http, "--quota", "emails=2:email:day")
    assert send(account, [somebody(), somebody()])["status"] == "accepted"
    answer = account.send("POST", "/emails", letter(somebody()))
    found = refused(answer, 429)
    assert 0 < found["retry_after"] <= 86_400
    assert (found["error"], found["limit"], found["current"]) == ("Daily limit exceeded", 2, 2)
    assert answer.headers["ratelimit-daily-limit"] == "2"
    assert answer.headers["ratelimit-daily-remaining"] == "0"
    sent = account.get("/emails")["data"][0]
    forward = account.send("POST", f"/emails/{sent['id']}/forward", {"to": somebody()})
    assert refused(forward, 429)["error"] == "Daily limit exceeded"
    assert len(account.get("/emails")["data"]) == 2
