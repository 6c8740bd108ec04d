"""The command line beside a running server: shapes, exit codes, and what the server sees of it."""

import contextlib
import json
import secrets
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests import plain, program
from tests.program import PROGRAM
from tests.server import Key, Server, Tenant, unique
from tests.waiting import wait_for


def get(server: Server, path: str, key: str) -> httpx2.Response:
    headers = {"Authorization": f"Bearer {key}"}
    return plain.get(server.address + path, headers=headers, timeout=30)


def code_of(server: Server, *args: str) -> int:
    """The exit code; whatever it is, nothing went to stdout and no trace was shown."""
    done = server.command(*args)
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert done.stderr.strip()
    return done.returncode


def run(
    server: Server, *args: str, stdin: str = "", **env: str
) -> "subprocess.CompletedProcess[str]":
    return program.run(args, env=server.env | env, said=stdin)


# The first command, without any server


def test_the_first_command_may_be_key_create(tmp_path: Path) -> None:
    fresh = Server(tmp_path / "data")
    made = fresh.cli("key", "create", "mine")
    assert made["key"].startswith("gp_live_")
    assert [key["name"] for key in fresh.cli("key", "list")["keys"]] == ["mine"]
    with fresh:
        assert fresh.first_run_key is None
        assert get(fresh, "/v1/me", made["key"]).status_code == 200


@pytest.mark.once  # elsewhere the database is there before the folder
def test_only_commands_that_make_something_make_a_folder(tmp_path: Path) -> None:
    missing = Server(tmp_path / "nowhere")
    for command in (("key", "list"), ("plan", "list"), ("send", "a", "b"), ("tail",)):
        assert code_of(missing, *command) == 1
    assert missing.command("doctor").returncode == 1
    assert not missing.data.exists()


def made_key(server: Server, tenant: Tenant) -> Key:
    return server.make_key(tenant.account, tenant.project)


# Shapes and exit codes


def test_a_person_gets_the_secret_alone_on_stdout(server: Server, tenant: Tenant) -> None:
    done = server.command("key", "create", unique("plain"), "--account", tenant.account)
    assert done.returncode == 0
    assert done.stdout.startswith("gp_live_")
    assert done.stdout.count("\n") == 1
    assert "shown once" in done.stderr


def test_a_key_has_what_was_asked_for(server: Server, tenant: Tenant) -> None:
    name = unique("asked")
    options = ["--account", tenant.account, "--project", tenant.project, "--format", "notifykit"]
    options += ["--scope", "events", "--scope", "people:read", "--limit", "2/1s,5000/1d"]
    options += ["--expires", "2091-01-02T00:00:00+02:00", "--allow-from", "10.0.0.0/8"]
    made = server.cli("key", "create", name, *options, "--domain", "example.org")
    assert made["key"].startswith("nh_")
    assert (
        made.items()
        >= {
            "name": name,
            "accountId": tenant.account,
            "projectId": tenant.project,
            "scopes": ["events", "people:read"],
            "limit": "2/1s,5000/86400s",
            "expiresAt": "2091-01-01T22:00:00.000Z",
            "allowFrom": ["10.0.0.0/8"],
            "domain": "example.org",
            "enabled": True,
        }.items()
    )
    listed = server.cli("key", "list", "--account", tenant.account)["keys"]
    (found,) = [key for key in listed if key["id"] == made["id"]]
    assert found == {name: value for name, value in made.items() if name != "key"}


def test_names_and_ids_name_the_same_thing(server: Server, tenant: Tenant) -> None:
    account, project = unique("account"), unique("project")
    owner = server.cli("account", "create", account, "--plan", "unlimited")
    assert owner.items() >= {"name": account, "plan": "unlimited", "status": "active"}.items()
    part = server.cli("project", "create", project, "--account", account)
    assert part["accountId"] == owner["id"]
    by_name = server.cli("key", "create", "a", "--account", account, "--project", project)
    by_id = server.cli("key", "create", "b", "--account", owner["id"], "--project", part["id"])
    assert by_name["projectId"] == by_id["projectId"] == part["id"]
    listed = server.cli("project", "list", "--account", account)["projects"]
    assert [one["id"] for one in listed] == [part["id"]]
    assert owner["id"] in {one["id"] for one in server.cli("account", "list")["accounts"]}


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (("bogus",), 2),
        (("key", "create"), 2),
        (("key", "create", "x", "--colour", "red"), 2),
        (("key", "create", "x", "--format", "paper"), 2),
        (("key", "create", "x", "--limit", "many"), 2),
        (("key", "create", "x", "--expires", "soon"), 2),
        (("plan", "set", "x", "--quota", "a=b"), 2),
        (("send", "a", "b", "--meta", "novalue"), 2),
        (("serve", "--port", "70000"), 2),
        (("key", "create", "x"), 2),  # there is more than one account
        (("key", "create", "x", "--account", "nobody"), 1),
        (("key", "disable", "nothing"), 1),
        (("account", "create", "x", "--plan", "none-such"), 1),
        (("key", "import", "x", "--from-file", "/nowhere"), 1),
    ],
)
def test_exit_codes(server: Server, tenant: Tenant, args: tuple[str, ...], code: int) -> None:
    assert code_of(server, *args) == code


def test_refusals_that_need_an_account(server: Server, tenant: Tenant) -> None:
    name, mine = unique("twice"), ("--account", tenant.account)
    server.cli("key", "create", name, *mine)
    assert code_of(server, "key", "create", name, *mine) == 1
    assert code_of(server, "key", "create", unique("k"), *mine, "--scope", "everything") == 2
    assert code_of(server, "key", "create", unique("k"), *mine, "--allow-from", "here") == 2


def test_the_version_and_the_help_are_data(server: Server) -> None:
    assert server.command("--version").stdout.strip().count(".") == 2
    assert "serve" in server.command("--help").stdout


# What a running server sees, by the time the command returns


def test_a_disabled_key_is_refused_at_once(server: Server, tenant: Tenant) -> None:
    key = made_key(server, tenant)
    with in_use(server, key) as codes:
        wait_for(lambda: 200 in codes, "the key to work")
        assert server.cli("key", "disable", key.id)["enabled"] is False
        assert get(server, "/v1/me", key.secret).status_code == 401
    assert server.cli("key", "enable", key.id)["enabled"] is True
    assert get(server, "/v1/me", key.secret).status_code == 200


@contextlib.contextmanager
def in_use(server: Server, key: Key) -> Iterator[list[int]]:
    """Use a key without a pause, so that the server always knows it; gives the status codes."""
    codes: list[int] = []
    over = threading.Event()

    def use() -> None:
        headers = {"Authorization": f"Bearer {key.secret}"}
        with plain.Client(headers=headers, timeout=30) as client:
            while not over.wait(0.01):
                codes.append(client.get(f"{server.address}/v1/me").status_code)

    user = threading.Thread(target=use)
    user.start()
    try:
        yield codes
    finally:
        over.set()
        user.join(30)


def test_a_deleted_key_is_refused_for_good(server: Server, tenant: Tenant) -> None:
    key = made_key(server, tenant)
    assert get(server, "/v1/me", key.secret).status_code == 200
    assert server.cli("key", "delete", key.id)["deleted"] is True
    assert get(server, "/v1/me", key.secret).status_code == 401
    again = ("key", "import", unique("again"), "--account", tenant.account)
    assert run(server, *again, stdin=key.secret).returncode == 1
    assert code_of(server, "key", "enable", key.id) == 1


def test_a_rotated_key_has_a_new_secret(server: Server, tenant: Tenant) -> None:
    key = made_key(server, tenant)
    assert get(server, "/v1/me", key.secret).status_code == 200
    second = server.cli("key", "rotate", key.id)
    assert second["id"] == key.id
    assert get(server, "/v1/me", key.secret).status_code == 401
    third = server.cli("key", "rotate", key.id, "--grace", "3600")
    for secret in (second["key"], third["key"]):
        assert get(server, "/v1/me", secret).status_code == 200


def test_an_account_switched_off_is_refused_at_once(server: Server) -> None:
    tenant = server.make_tenant()
    assert get(server, "/v1/me", tenant.key.secret).status_code == 200
    assert server.cli("account", "set-status", tenant.account, "inactive")["status"] == "inactive"
    assert get(server, "/v1/me", tenant.key.secret).status_code == 403
    server.cli("account", "set-status", tenant.account, "active")
    assert get(server, "/v1/me", tenant.key.secret).status_code == 200


def test_a_changed_plan_holds_at_once(server: Server) -> None:
    plan = unique("plan")
    assert server.cli("plan", "set", plan, "--title", "Tests", "--key-limit", "1000/1d") == {
        "name": plan,
        "title": "Tests",
        "keyLimit": "1000/86400s",
        "accountLimit": "off",
        "mailLimit": "off",
        "quotas": [],
    }
    key = server.make_tenant(plan=plan, limit=None).key.secret
    assert get(server, "/v1/me", key).headers["X-RateLimit-Limit"] == "1000"
    changed = server.cli("plan", "set", plan, "--key-limit", "500/1d", "--quota", "e=3:event:month")
    assert changed["title"] == "Tests"
    assert changed["quotas"] == ["e=3:event:month"]
    assert get(server, "/v1/me", key).headers["X-RateLimit-Limit"] == "500"
    assert server.cli("plan", "set", plan, "--quota", "off")["quotas"] == []
    assert plan in {one["name"] for one in server.cli("plan", "list")["plans"]}


@pytest.mark.parametrize("way", ["stdin", "file"])
def test_an_imported_secret_works(server: Server, tenant: Tenant, tmp_path: Path, way: str) -> None:
    secret = "secret_" + secrets.token_urlsafe(32)
    args = ["key", "import", unique("import"), "--account", tenant.account, "--json"]
    if way == "file":
        (tmp_path / "secret").write_text(secret + "\n")
        args += ["--from-file", str(tmp_path / "secret")]
    done = run(server, *args, stdin=secret + "\n" if way == "stdin" else "")
    assert done.returncode == 0, done.stderr
    assert secret not in done.stdout + done.stderr
    assert get(server, "/v1/me", secret).status_code == 200


def test_a_weak_secret_is_not_imported(server: Server, tenant: Tenant) -> None:
    args = ("key", "import", unique("weak"), "--account", tenant.account)
    done = run(server, *args, stdin="password-password-password-password")
    assert done.returncode == 2
    assert "password" not in done.stderr
    assert "random bits" in done.stderr


# Aggregators


def test_aggregators_are_made_listed_and_read(server: Server) -> None:
    tenant = server.make_tenant()
    where = ("--account", tenant.account)
    made = server.cli("aggregator", "create", "shop", "--timezone", "Europe/Berlin", *where)
    listed = server.cli("aggregator", "list", *where)["aggregators"]
    assert listed == [made]
    for tag in ("a", "b"):
        counted = get(server, f"/api/event?_id={made['id']}&name=order&{tag}", tenant.key.secret)
        assert counted.status_code == 200
    rows = server.cli("aggregator", "report", "shop", "--by", "tag", *where)["rows"]
    assert [(row["group"], row["count"]) for row in rows] == [("a", 1), ("b", 1)]
    whole = server.cli("aggregator", "report", made["id"], "--bucket", "none", *where)["rows"]
    assert [row["count"] for row in whole] == [2]
    assert code_of(server, "aggregator", "create", "shop", *where) == 1
    assert code_of(server, "aggregator", "create", "b", "--timezone", "Mars", *where) == 2
    assert code_of(server, "aggregator", "report", "shop", "--by", "colour", *where) == 2
    assert code_of(server, "aggregator", "report", "nothing", *where) == 1


# Events


def test_a_sent_event_is_read_streamed_and_tailed(server: Server) -> None:
    tenant = server.make_tenant()
    where = ("--account", tenant.account, "--project", tenant.project)
    first = server.cli("send", "over-there", "First", *where)["id"]
    tail = tailing(server, *where, "--last", "1000", "--json")
    with tail as lines, streaming(server, tenant.key) as frames:
        wait_for(lambda: any(first in line for line in lines), "the tail to begin", 30)
        wait_for(lambda: frames, "the stream to begin", 30)
        options = ["--tag", "a", "--tag", "b", "--meta", "order=17", "--user", "u1", "--silent"]
        sent = server.cli("send", "Over There", "Hello", *options, *where)
        wait_for(lambda: any(sent["id"] in line for line in lines), "the tail")
        wait_for(lambda: any(sent["id"] in frame for frame in frames), "the stream")
    assert (
        sent.items()
        >= {
            "channelName": "over-there",
            "title": "Hello",
            "tags": ["a", "b"],
            "metadata": {"order": "17"},
            "userId": "u1",
            "notify": False,
            "source": "cli",
        }.items()
    )
    read = get(server, f"/v1/events/{sent['id']}", tenant.key.secret).json()["data"]
    assert read == sent
    assert json.loads(lines[1]) == sent


def test_tail_begins_with_the_newest_and_keeps_to_its_channel(server: Server) -> None:
    tenant = server.make_tenant()
    where = ("--account", tenant.account)
    for channel, title in (("one", "A"), ("two", "B\x1b[31m"), ("one", "C")):
        server.cli("send", channel, title, *where)
    with tailing(server, *where, "--last", "1000", "--channel", "two") as lines:
        wait_for(lambda: lines, "the event", 30)
    assert len(lines) == 1
    assert lines[0].split()[1:] == ["#two", "B", "[31m"]


def test_the_api_rules_hold_for_send_too(server: Server, tenant: Tenant) -> None:
    where = ("--account", tenant.account)
    assert code_of(server, "send", "c", "t" * 501, *where) == 2
    assert code_of(server, "send", "!!!", "title", *where) == 2


class Lines:
    """A command that goes on, and the lines it has printed so far."""

    def __init__(self, command: Sequence[str], env: Mapping[str, str], code: int) -> None:
        self.lines: list[str] = []
        self._code = code
        self._process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True)
        self._reader = threading.Thread(target=self._read)

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as out:
            self.lines.extend(out)

    def __enter__(self) -> list[str]:
        self._reader.start()
        return self.lines

    def __exit__(self, *_exc: object) -> None:
        self._process.terminate()
        assert self._process.wait(30) == self._code
        self._reader.join(30)


def tailing(server: Server, *args: str) -> Lines:
    """`gatepost tail`: ended by a signal, it has done its work."""
    return Lines([*PROGRAM, "tail", *args], server.env, 0)


def streaming(server: Server, key: Key) -> Lines:
    """The server's event stream, by curl, which a signal kills."""
    url = f"{server.address}/v1/events/stream"
    command = ["curl", "--silent", "--no-buffer", "--header", f"Authorization: Bearer {key.secret}"]
    return Lines([*command, url], server.env, -signal.SIGTERM)


# Settings


@pytest.mark.once
def test_every_setting_shows_its_origin(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "gatepost.toml").write_text('port = 7001\nhost = "::1"\nreaders = 2\n')
    (tmp_path / "url").write_text("postgresql://me:hunter2@localhost/db\n")
    env = {"GATEPOST_PORT": "7002", "GATEPOST_DATABASE_URL_FILE": str(tmp_path / "url")}
    server = Server(data, env=env)
    shown = {one["name"]: one for one in server.cli("config", "show")["settings"]}
    assert shown["port"] == {"name": "port", "value": 7002, "source": "GATEPOST_PORT"}
    assert shown["host"]["source"] == shown["readers"]["source"] == "gatepost.toml"
    assert shown["readers"]["value"] == 2
    assert shown["log_level"] == {"name": "log_level", "value": "info", "source": "default"}
    assert shown["data"]["source"] == "GATEPOST_DATA"
    flag = server.cli("config", "show", "--data", str(data))["settings"]
    assert {one["name"]: one["source"] for one in flag}["data"] == "flag"
    text = server.command("config", "show")
    assert "hunter2" not in json.dumps(shown) + text.stdout + text.stderr


def test_an_unknown_variable_names_the_nearest(server: Server) -> None:
    done = run(server, "key", "list", GATEPOST_LOG_LEVLE="info")
    assert done.returncode == 2
    assert "did you mean GATEPOST_LOG_LEVEL?" in done.stderr


# The doctor


def findings(server: Server) -> tuple[int, bool, dict[str, Any]]:
    done = server.command("doctor", "--json")
    report = json.loads(done.stdout)
    return done.returncode, report["ok"], {one["name"]: one for one in report["checks"]}


@pytest.mark.once
def test_a_running_installation_is_sound(server: Server) -> None:
    code, sound, checks = findings(server)
    assert (code, sound) == (0, True)
    assert f"process {server.pid}" in checks["port"]["detail"]
    names = {"settings", "folder", "disk", "port", "pepper", "database", "schema", "clock"}
    assert set(checks) == names | {"limits"}
    assert server.command("doctor").returncode == 0


def test_the_doctor_finds_what_is_wrong(tmp_path: Path) -> None:
    server = Server(tmp_path / "data", env={"GATEPOST_PORT": "0"})
    server.cli("key", "create", "first")
    assert findings(server)[:2] == (0, True)
    (server.data / "pepper.key").write_bytes(b"short")
    server.data.chmod(0o755)
    code, sound, checks = findings(server)
    assert (code, sound) == (1, False)
    assert {name for name, check in checks.items() if not check["ok"]} == {"pepper", "folder"}
    assert "chmod 700" in checks["folder"]["detail"]
    (server.data / "pepper.key").unlink()
    assert "restore it" in findings(server)[2]["pepper"]["detail"]
    assert not (server.data / "pepper.key").exists()
    settings = Server(server.data, env={"GATEPOST_COLOUR": "red"})
    code, sound, checks = findings(settings)
    assert (code, set(checks)) == (1, {"settings"})
    nowhere = Server(server.data, env={"GATEPOST_RELAYS": "POST /orders"})
    checks = findings(nowhere)[2]
    assert "write METHOD PATH UPSTREAM" in checks["settings"]["detail"]


# Secrets


def test_no_secret_is_left_anywhere(tmp_path: Path) -> None:
    with Server(tmp_path / "data") as server:
        assert server.first_run_key is not None
        kinds = ("native", "native-test", "emitkit", "eventicat", "notifykit", "emailit", "emmi")
        made = [server.cli("key", "create", kind, "--format", kind)["key"] for kind in kinds]
        made.append(server.cli("key", "rotate", "native")["key"])
        for secret in [*made, server.first_run_key]:
            get(server, "/v1/me", secret)
            get(server, f"/v1/events?key={secret}", secret)
            get(server, "/v1/me", secret + "x")
        shown = subprocess.check_output(["ps", "-axww", "-o", "args"])
        server.stop()
    logs = (server.logs / "serve-1.err").read_bytes()
    stored = b"".join(path.read_bytes() for path in server.data.rglob("*") if path.is_file())
    for secret in [*made, server.first_run_key]:
        for place in (shown, logs, stored):
            assert secret.encode() not in place
