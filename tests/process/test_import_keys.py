"""`gatepost import keys`: secrets that clients have go on working, and are never shown."""

import json
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests import plain
from tests.process.importing import Importer, drawn, foreign, lines, table
from tests.server import Server, unique

SHAPES = {
    "emitkit": ("emitkit", ["events"]),
    "eventicat": ("eventicat", ["counts:write"]),
    "notifykit": ("notifykit", ["messages:send", "messages:read", "messages:write"]),
    "emailit": ("emailit", ["full"]),
    "emailit-old": ("emailit", ["full"]),
    "emmi": ("emmi", ["customers:read", "customers:write", "data:write", "usage:read"]),
}
KEPT = ("keys", "key_secrets", "audit")


@pytest.fixture
def bring(server: Server, tmp_path: Path) -> Importer:
    """Imports into an account of its own."""
    return Importer(server, tmp_path, server.make_account())


def listed(bring: Importer) -> dict[str, dict[str, Any]]:
    found = bring.server.cli("key", "list", "--account", bring.account)["keys"]
    return {key["name"]: key for key in found}


def answer(server: Server, secret: str, path: str = "/v1/ping") -> httpx2.Response:
    return plain.get(f"{server.address}{path}", headers={"Authorization": f"Bearer {secret}"})


def test_keys_of_every_service_go_on_working(bring: Importer) -> None:
    secrets = {service: foreign(service) for service in SHAPES}
    report = bring("keys", table([{"name": name, "key": key} for name, key in secrets.items()]))
    assert report["created"] == len(SHAPES)
    kept = listed(bring)
    for service, (form, scopes) in SHAPES.items():
        assert (kept[service]["format"], kept[service]["scopes"]) == (form, scopes)
        assert answer(bring.server, secrets[service]).status_code == 200
    ids = {row["what"]: row["id"] for row in report["keys"]}
    assert ids == {name: key["id"] for name, key in kept.items()}


@pytest.mark.parametrize("write", ["csv", "array", "page", "pages", "lines", "joined"])
def test_every_form_of_a_file_says_the_same(bring: Importer, write: str) -> None:
    rows = [{"name": f"key-{at}", "key": foreign("eventicat")} for at in range(3)]
    files = {
        "csv": table(rows),
        "array": json.dumps(rows, indent=2),
        "page": json.dumps({"data": rows, "next_page_url": None}),
        "pages": lines([{"data": rows[:2]}, {"data": rows[2:]}]),
        "lines": lines(rows),
        "joined": "".join(json.dumps({"data": row}) for row in rows),
    }
    assert bring.results("keys", files[write]) == ["created"] * 3
    assert set(listed(bring)) == {"key-0", "key-1", "key-2"}


def test_a_dry_run_says_what_would_be_and_keeps_nothing(bring: Importer) -> None:
    rows = [{"name": name, "key": foreign("eventicat")} for name in ("one", "two", "one")]
    rows.append({"name": "weak", "key": "evk_123456"})
    before = bring.rows_of(*KEPT)
    tried = bring("keys", table(rows), "--dry-run")
    assert bring.rows_of(*KEPT) == before
    assert tried["dryRun"] is True
    done = bring("keys", table(rows))
    assert [row | {"id": None} for row in done["keys"]] == tried["keys"]
    assert (done["created"], done["refused"]) == (2, 2)


def test_to_repeat_it_changes_nothing(bring: Importer) -> None:
    file = table([{"name": service, "key": foreign(service)} for service in SHAPES])
    first = bring("keys", file)
    before = bring.rows_of(*KEPT)
    again = bring("keys", file)
    assert again["exists"] == len(SHAPES)
    assert [row["id"] for row in again["keys"]] == [row["id"] for row in first["keys"]]
    assert bring.rows_of(*KEPT) == before


def test_a_row_that_is_refused_leaves_the_others(bring: Importer) -> None:
    kept = foreign("eventicat")
    wrong: dict[str, dict[str, str]] = {
        "112 random bits": {"name": "weak", "key": "evk_hunter2hunter2"},
        "key: is needed": {"name": "empty", "key": " "},
        "name: is needed": {"name": "", "key": foreign("eventicat")},
        "64 hexadecimal digits": {"name": "cut", "key": foreign("notifykit")[:-1]},
        "64 letters": {"name": "long", "key": foreign("emmi") + "x"},
        "checks these": {"name": "older", "key": f"sk_live_single_{drawn(32)}_zzzz"},
        "printable ASCII": {"name": "masked", "key": "evk_••••••••••••••••••••••••••••••••"},
        "already": {"name": "good", "key": foreign("eventicat")},
        "Unknown scope": {"name": "a", "key": foreign("eventicat"), "scopes": "everything"},
        "say what it may do": {"name": "b", "key": drawn(40)},
        "Must be in the future": {"name": "c", "key": foreign("emmi"), "expires": "2001-02-03"},
        "is not a time": {"name": "d", "key": foreign("emmi"), "expires": "soon"},
        "project: ": {"name": "e", "key": foreign("emmi"), "project": "no such"},
        "name the domain": {"name": "f", "key": foreign("emmi"), "sending domain id": "dom_1"},
        "true or false": {"name": "g", "key": foreign("emmi"), "enabled": "perhaps"},
        "allowFrom": {"name": "h", "key": foreign("emmi"), "allow_from": "here"},
        "not a limit": {"name": "i", "key": foreign("emmi"), "limit": "many"},
        "U+0000": {"name": "j\x00", "key": foreign("emmi")},
        "looks like a secret": {"name": foreign("emmi"), "key": "swapped"},
    }
    rows = [{"name": "good", "key": kept}, *wrong.values()]
    report = bring("keys", table(rows))
    assert report["created"] == 1
    notes = [row["note"] for row in report["keys"][1:]]
    for why, note in zip(wrong, notes, strict=True):
        assert why in note
    assert set(listed(bring)) == {"good"}
    assert answer(bring.server, kept).status_code == 200
    shown = json.dumps(report)
    assert not [row for row in rows if len(row["key"]) > 12 and row["key"] in shown]


def test_no_secret_is_ever_said(bring: Importer) -> None:
    """Neither of a file that is right, nor of any that is wrong in some way."""
    one, two = foreign("notifykit"), drawn(40)
    files = [
        table([{"name": "a", "key": one}, {"name": "b", "key": two}]),
        table([{"name": one, "key": two}]),
        table([{"name": "a", "key": one, two: ""}]),
        f"{one},{two}\n{two},{one}\n",
        f"name,key\na,{one},{two}\n",
        f'name,key\na,"{one}\nb,{two}\n',
        f'name,key\na,"{one}"{two}\n',
        f'"{one}',
        lines([{"name": one, "key": two}, {"key": one}, [one, two], {one: two}]),
        f'[{{"name": "a", "key": "{one}"',
        f'{{"name": "a", "key": "{one}"}}\n{two}\n{{"{one}',
        f'{{"data": ["{one}"]}}',
    ]
    asked: list[tuple[str, ...]] = [("keys", file, "--scope", "full") for file in files]
    asked += [(kind, files[at]) for at, kind in ((0, "suppressions"), (1, "templates"))]
    asked += [(kind, files[at]) for at, kind in ((3, "contacts"), (8, "contacts"), (8, "domains"))]
    for number, (kind, content, *flags) in enumerate(asked):
        shape = [(), ("--json",), ("--dry-run",)][number % 3]
        path = str(bring.file(content))
        mine = ("--account", bring.account)
        done = bring.server.command("import", kind, path, *mine, *flags, *shape)
        said = done.stdout + done.stderr
        assert "Traceback" not in said
        assert not [text for text in (one, two, one[10:], two[10:]) if text in said]


def test_another_account_cannot_take_a_secret(server: Server, bring: Importer) -> None:
    file = table([{"name": "mine", "key": foreign("eventicat")}])
    other = Importer(server, bring.folder, server.make_account())
    assert bring.results("keys", file) == ["created"]
    assert other.results("keys", file) == ["refused"]
    assert listed(other) == {}


def test_a_secret_that_has_ended_does_not_come_back(bring: Importer) -> None:
    rows = [{"name": name, "key": foreign("eventicat")} for name in ("rotated", "deleted", "kept")]
    bring("keys", table(rows))
    mine = ("--account", bring.account)
    bring.server.cli("key", "rotate", "rotated", *mine)
    bring.server.cli("key", "delete", "deleted", *mine)
    assert bring.results("keys", table(rows)) == ["refused", "refused", "exists"]
    assert answer(bring.server, rows[1]["key"]).status_code == 401


def test_a_key_that_is_known_under_another_name_stays_what_it_is(bring: Importer) -> None:
    secret = foreign("eventicat")
    bring("keys", table([{"name": "first", "key": secret}]))
    (row,) = bring("keys", table([{"name": "second", "key": secret, "scopes": "full"}]))["keys"]
    assert (row["result"], row["note"]) == ("exists", "as first")
    assert listed(bring)["first"]["scopes"] == ["counts:write"]


def test_flags_say_what_rows_do_not(bring: Importer) -> None:
    project, other = unique("project"), unique("other")
    for name in (project, other):
        bring.server.cli("project", "create", name, "--account", bring.account)
    rows = [
        {"name": "plain", "key": drawn(40)},
        {"name": "own", "key": drawn(40), "scope": "sending, usage:read", "project": other},
        {"name": "vendor", "key": drawn(40), "scope": "full_access", "project": ""},
    ]
    flags = ("--project", project, "--scope", "events:read", "--format", "notifykit")
    bring("keys", table(rows), *flags)
    kept = listed(bring)
    names = bring.server.cli("project", "list", "--account", bring.account)["projects"]
    ids = {one["name"]: one["id"] for one in names}
    assert {key["format"] for key in kept.values()} == {"notifykit"}
    assert [kept[row["name"]]["scopes"] for row in rows] == [
        ["events:read"],
        ["sending", "usage:read"],
        ["full"],
    ]
    assert [kept[row["name"]]["projectId"] for row in rows] == [
        ids[project],
        ids[other],
        ids[project],
    ]


def test_further_columns_bind_a_key(bring: Importer) -> None:
    rows: list[Any] = [
        {
            "API Key": foreign("emailit"),
            "Label": "bound",
            "Scope": ["sending"],
            "sendingDomain": "example.org",
            "rate-limit": "2/1s",
            "Allowed IPs": ["10.0.0.0/8"],
            "expires_at": "2091-01-02T00:00:00+02:00",
        },
        {"API Key": foreign("emailit"), "Label": "off", "enabled": False},
    ]
    secret = rows[1]["API Key"]
    report = bring("keys", json.dumps(rows))
    assert report["created"] == 2
    kept = listed(bring)
    expected = {
        "scopes": ["sending"],
        "domain": "example.org",
        "limit": "2/1s",
        "allowFrom": ["10.0.0.0/8"],
        "expiresAt": "2091-01-01T22:00:00.000Z",
    }
    assert kept["bound"].items() >= expected.items()
    assert kept["off"]["enabled"] is False
    assert answer(bring.server, secret).status_code == 401


def test_a_file_comes_from_stdin_too(bring: Importer) -> None:
    from tests import program

    file = table([{"name": "piped", "key": foreign("emmi")}])
    args = ("import", "keys", "-", "--account", bring.account)
    done = program.run(args, env=bring.server.env, said=file)
    assert (done.returncode, done.stdout.split()[:3]) == (0, ["1", "created", "piped"])
    assert "1 created" in done.stderr
    assert set(listed(bring)) == {"piped"}


def test_what_a_person_reads(bring: Importer) -> None:
    rows = [
        {"name": "good", "key": foreign("emmi"), "colour": "red"},
        {"name": "\x1b[31mred", "key": "weak", "colour": ""},
    ]
    path = str(bring.file(table(rows)))
    done = bring.server.command("import", "keys", path, "--account", bring.account)
    assert done.returncode == 1
    first, second = done.stdout.splitlines()
    assert first.split()[:3] == ["1", "created", "good"]
    assert second.split()[:2] == ["2", "refused"]
    assert "\x1b" not in done.stdout
    assert "not used: colour" in done.stderr
    assert "1 created, 0 changed, 0 exists, 1 refused" in done.stderr


def test_what_is_not_there_is_refused_before_anything_is_read(
    server: Server, bring: Importer, tmp_path: Path
) -> None:
    file = str(bring.file(table([{"name": "a", "key": foreign("emmi")}])))
    mine = ("--account", bring.account)
    for args, code in (
        (("import", "keys", file, "--account", "nobody"), 1),
        (("import", "keys", file, *mine, "--project", "nothing"), 1),
        (("import", "keys", str(tmp_path / "no-file"), *mine), 1),
        (("import", "keys", file, *mine, "--format", "paper"), 2),
        (("import", "paper", file, *mine), 2),
    ):
        done = server.command(*args)
        assert (done.returncode, done.stdout) == (code, "")
    assert listed(bring) == {}


@pytest.mark.once
def test_no_data_folder_is_made(tmp_path: Path) -> None:
    missing, file = Server(tmp_path / "nowhere"), tmp_path / "keys.csv"
    file.write_text(table([{"name": "a", "key": foreign("emmi")}]))
    assert missing.command("import", "keys", str(file)).returncode == 1
    assert not missing.data.exists()
