"""`gatepost mailer`: what it prints, and that a server that runs sends through it."""

import json
from urllib.parse import urlsplit

import pytest

from tests import program
from tests.api.admin import Admin
from tests.delivery.mails import ended, mail, somebody
from tests.delivery.receiver import Receiver, answers
from tests.server import Server, unique

SENDER = "Zoë <zoe@example.org>"


def test_a_mailer_from_its_first_day_to_its_last(
    delivering: Server, admin: Admin, receiver: Receiver
) -> None:
    base, name = f"/{unique('resend')}", unique("mailer")
    receiver.does[f"{base}/emails"] = answers(200, b'{"id":"x"}')
    whose = ("--account", admin.account)
    members = ("--name", name, "--priority", "3", "--any-sender")
    where = ("--url", receiver.address + base)
    asked = ("mailer", "create", "resend", *members, *where, "--secret-stdin", *whose, "--json")
    done = program.run(asked, env=delivering.env, said="re_first\n")
    assert done.returncode == 0, done.stderr
    made = json.loads(done.stdout)
    assert (made["kind"], made["priority"], made["hasSecret"]) == ("resend", 3, True)
    assert "re_first" not in done.stdout + done.stderr
    (listed,) = admin.get("/v1/mailers")["mailers"]
    # Without a public_url only the server knows its port; all else of the address is the same.
    callback = made["callbackUrl"]
    assert urlsplit(callback).path == urlsplit(listed["callbackUrl"]).path
    assert f"/mail/callbacks/{made['id']}/" in callback
    assert made == {**listed, "callbackUrl": callback, "accountId": admin.account}
    assert delivering.cli("mailer", "list", *whose)["mailers"] == [made]

    sent = ended(admin, mail(admin, somebody(), **{"from": SENDER}))
    assert (sent["state"], sent["log"][0]["via"]) == ("succeeded", "resend")
    assert receiver.one(f"{base}/emails").header("authorization") == "Bearer re_first"

    env = {**delivering.env, "OTHER_SECRET": "re_second"}
    done = program.run(("mailer", "update", name, "--secret-env", "OTHER_SECRET"), env=env)
    assert (done.returncode, "re_second" in done.stdout + done.stderr) == (0, False)
    ended(admin, mail(admin, somebody(), **{"from": SENDER}))
    got = receiver.wait(f"{base}/emails", 2)[1]
    assert got.header("authorization") == "Bearer re_second"

    changed = delivering.cli("mailer", "update", made["id"], "--disabled", "--priority", "9")
    assert (changed["enabled"], changed["priority"], changed["name"]) == (False, 9, name)
    assert delivering.cli("mailer", "delete", name)["deleted"] is True
    assert admin.get("/v1/mailers")["mailers"] == []
    assert delivering.command("mailer", "delete", name).returncode == 1
    entries = admin.get("/v1/audit?limit=4")["entries"]
    actions = ["delete", "update", "update", "create"]
    assert [one["action"] for one in entries] == [f"mailer.{one}" for one in actions]
    assert {one["actor"]["kind"] for one in entries} == {"cli"}
    assert "re_" not in json.dumps(entries)


def test_it_is_printed_for_people(delivering: Server, admin: Admin) -> None:
    whose = ("--account", admin.account)
    host = ("--host", "smtp.example.com", "--tls", "implicit")
    done = delivering.command("mailer", "create", "smtp", *host, *whose)
    assert done.stdout.strip().endswith("smtp: made")
    listed = delivering.command("mailer", "list", *whose).stdout
    assert "smtp.example.com" in listed
    assert listed.startswith("ID ")


def test_two_of_one_name_are_told_apart_by_their_ids(delivering: Server, admin: Admin) -> None:
    whose = ("--account", admin.account)
    host = ("--host", "smtp.example.com")
    ids = [delivering.cli("mailer", "create", "smtp", *host, *whose)["id"] for _ in range(2)]
    named = delivering.command("mailer", "delete", "smtp", *whose)
    assert (named.returncode, "by its id" in named.stderr) == (2, True)
    assert delivering.cli("mailer", "delete", ids[0], *whose)["id"] == ids[0]
    assert [one["id"] for one in admin.get("/v1/mailers")["mailers"]] == [ids[1]]


@pytest.mark.parametrize(
    "args",
    [
        ("create", "pigeon"),
        ("create", "smtp"),
        ("create", "smtp", "--host", "127.1.2.3:x y"),
        ("create", "smtp", "--host", "10.0.0.1"),
        ("create", "smtp", "--host", "smtp.example.com", "--tls", "maybe"),
        ("create", "sendgrid"),
        ("create", "sendgrid", "--secret-env", "NOTHING_OF_THE_KIND"),
        ("create", "sendgrid", "--secret-stdin"),
        ("create", "sendgrid", "--secret-stdin", "--secret-env", "HOME"),
        ("create", "resend", "--secret-env", "HOME", "--url", "ftp://example.com"),
        ("create", "resend", "--secret", "re_on_the_command_line"),
    ],
)
def test_what_cannot_be_is_wrong_usage(
    delivering: Server, admin: Admin, args: tuple[str, ...]
) -> None:
    env = {**delivering.env, "HOME": "/root"}
    done = program.run(("mailer", *args, "--account", admin.account), env=env)
    assert done.returncode != 0, done.stdout
    assert "Traceback" not in done.stderr
    assert admin.get("/v1/mailers")["mailers"] == []
