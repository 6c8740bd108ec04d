"""Who comes in, and how: addresses, passwords, sessions, links that open once."""

import re
from collections.abc import Callable
from pathlib import Path

from tests.dashboard.entering import PASSWORD, Entrance, path_of, sign_in
from tests.dashboard.visitor import COOKIE
from tests.server import Server, Tenant, unique
from tests.waiting import wait_for

MakeTenant = Callable[..., Tenant]


def actions(server: Server, tenant: Tenant) -> list[str]:
    rows = server.query(
        "SELECT action FROM audit WHERE account_id = ? ORDER BY id",
        bytes.fromhex(tenant.account.partition("_")[2]),
    )
    return [action for (action,) in rows]


def test_the_first_link_founds_the_first_operator_and_opens_once(tmp_path: Path) -> None:
    with Server(tmp_path / "data") as server, Entrance(server) as entrance:
        printed = (server.logs / "serve-1.out").read_text()
        (link,) = re.findall(r'"dashboard":"([^"]+)"', printed)
        first, second = entrance.browser(), entrance.browser()
        waiting = second.open(path_of(link))
        page = first.open(path_of(link))
        page = first.submit(page, "Go on", email="no address", name="Ada", password=PASSWORD)
        assert page.status == 400
        assert set(page.errors()) == {"email"}
        page = first.submit(page, "Go on", email=" Ada@Example.COM", name="Ada", password="short")
        assert set(page.errors()) == {"password"}
        page = first.submit(page, "Go on", email="Ada@Example.com", name="Ada", password=PASSWORD)
        assert page.status == 200
        assert "/account_" in page.address
        (one,) = server.cli("operator", "list")["operators"]
        told = {name: one[name] for name in ("email", "role", "superuser", "account")}
        assert told == {
            "email": "ada@example.com",
            "role": "owner",
            "superuser": True,
            "account": "Gatepost",
        }
        late = second.submit(waiting, "Go on", email="e@example.com", name="E", password=PASSWORD)
        assert late.status == 404
        assert server.command("operator", "link").returncode == 1


def test_another_first_link_takes_the_place_of_the_one_before(tmp_path: Path) -> None:
    with Server(tmp_path / "data") as server, Entrance(server) as entrance:
        before = server.cli("operator", "link")["link"]
        after = server.cli("operator", "link")["link"]
        browser = entrance.browser()
        browser.open(path_of(before), 404)
        assert browser.open(path_of(after)).title == "Welcome"


def test_signing_in_leads_to_the_page_that_was_asked_for(
    server: Server, make_tenant: MakeTenant, entrance: Entrance
) -> None:
    tenant = make_tenant()
    person = entrance.enroll(tenant.account)
    browser = entrance.browser(person.account)
    asked = browser.open("feed?limit=5")
    assert asked.title == "Sign in"
    page = browser.submit(asked, "Sign in", email=person.email.upper(), password=PASSWORD)
    assert page.address.endswith(f"/dashboard/{tenant.account}/feed?limit=5")
    cookie = next(one for one in browser.client.cookies.jar if one.name == COOKIE)
    assert (cookie.path, cookie.secure) == ("/", False)
    assert "operator.sign-in" in actions(server, tenant)


def test_the_cookie_is_for_the_server_alone(
    server: Server, make_tenant: MakeTenant, entrance: Entrance
) -> None:
    person = entrance.enroll(make_tenant().account)
    browser = entrance.browser(person.account)
    origin = {"origin": server.address}
    form = {"email": person.email, "password": PASSWORD, "next": "//evil.example"}
    answer = browser.ask("/dashboard/sign-in", "POST", data=form, headers=origin)
    assert answer.status_code == 303
    assert answer.headers["location"] == "/dashboard"
    said = answer.headers["set-cookie"].lower()
    assert all(part in said for part in ("httponly", "samesite=lax", "path=/", "max-age="))


def test_behind_https_cookies_are_for_https_alone(tmp_path: Path) -> None:
    env = {"GATEPOST_PUBLIC_URL": "https://gatepost.example"}
    with Server(tmp_path / "data", env=env) as server, Entrance(server) as entrance:
        made = server.cli("operator", "add", "a@example.com")
        assert made["link"].startswith("https://gatepost.example/dashboard/open/")
        form = {"name": "A", "password": PASSWORD}
        browser = entrance.browser()
        answer = browser.ask(path_of(made["link"]), "POST", data=form)
        assert answer.status_code == 303
        assert "secure" in answer.headers["set-cookie"].lower()


def test_wrong_passwords_and_unknown_addresses_look_alike(
    server: Server, make_tenant: MakeTenant, entrance: Entrance
) -> None:
    tenant = make_tenant()
    person = entrance.enroll(tenant.account)
    browser = entrance.browser(person.account)
    wrong = sign_in(browser, person.email, "not the password")
    unknown = sign_in(browser, f"{unique('nobody')}@example.com", "not the password")
    assert (wrong.status, unknown.status) == (401, 401)
    assert wrong.text == unknown.text
    assert COOKIE not in browser.client.cookies
    wait_for(lambda: "operator.refused" in actions(server, tenant), "the line in the audit log")


def test_an_account_cannot_be_tried_again_and_again(
    server: Server, make_tenant: MakeTenant, entrance: Entrance
) -> None:
    person = entrance.enroll(make_tenant().account)
    browser = entrance.browser(person.account)
    codes = [sign_in(browser, person.email, f"guess {number}").status for number in range(11)]
    assert codes == [401] * 10 + [429]
    assert sign_in(browser, person.email).status == 429


def test_each_session_has_a_secret_of_its_own(
    server: Server, make_tenant: MakeTenant, entrance: Entrance
) -> None:
    person = entrance.enroll(make_tenant().account)
    before = str(person.browser.client.cookies.get(COOKIE))
    chosen = entrance.browser(person.account, "chosen-by-somebody-else")
    for browser in (person.browser, chosen):
        given = {"email": person.email, "password": PASSWORD}
        answer = browser.ask("/dashboard/sign-in", "POST", data=given)
        (secret,) = re.findall(rf"{COOKIE}=([\w-]{{43}});", answer.headers["set-cookie"])
        assert secret != before
    for old in (before, "chosen-by-somebody-else"):
        browser = entrance.browser(person.account, old)
        assert browser.ask("/dashboard/you").status_code == 303


def test_signing_out_ends_the_session_itself(
    server: Server, make_tenant: MakeTenant, entrance: Entrance
) -> None:
    person = entrance.enroll(make_tenant().account)
    browser = person.browser
    secret = str(browser.client.cookies.get(COOKIE))
    page = browser.submit(browser.open("/dashboard/you"), "Sign out")
    assert page.title == "Sign in"
    again = entrance.browser(person.account, secret)
    assert again.ask("/dashboard/you").status_code == 303


def test_a_form_from_elsewhere_is_refused(
    server: Server, make_tenant: MakeTenant, entrance: Entrance
) -> None:
    person = entrance.enroll(make_tenant().account)
    browser = person.browser
    page = browser.open("/dashboard/you")
    form = {"name": "Eve", "csrf": page.form("Save").one("input", name="csrf").attributes["value"]}
    strange: tuple[tuple[dict[str, str], dict[str, str]], ...] = (
        ({"name": "Eve"}, {}),
        ({"name": "Eve", "csrf": "0" * 64}, {}),
        (form, {"origin": "https://evil.example"}),
        (form, {"sec-fetch-site": "cross-site"}),
    )
    for values, headers in strange:
        answer = browser.ask("/dashboard/you/name", "POST", data=values, headers=headers)
        assert answer.status_code == 403, (values, headers)
    assert browser.open("/dashboard/you").title == "Grace"
    assert browser.ask("/dashboard/you/name", "POST", data=form).status_code == 303


def test_a_new_password_takes_the_one_before_and_ends_other_sessions(
    server: Server, make_tenant: MakeTenant, entrance: Entrance
) -> None:
    tenant = make_tenant()
    person = entrance.enroll(tenant.account)
    other = entrance.browser(person.account)
    sign_in(other, person.email)
    page, changed = person.browser.open("/dashboard/you"), "another long password"
    wrong = person.browser.submit(page, "Change it", current="wrong", password=changed)
    assert (wrong.status, set(wrong.errors())) == (400, {"current"})
    weak = person.browser.submit(page, "Change it", current=PASSWORD, password="a" * 30)
    assert (weak.status, set(weak.errors())) == (400, {"password"})
    done = person.browser.submit(page, "Change it", current=PASSWORD, password=changed)
    assert done.status == 200
    assert other.ask("/dashboard/you").status_code == 303
    assert person.browser.ask("/dashboard/you").status_code == 200
    assert sign_in(other, person.email).status == 401
    assert sign_in(other, person.email, changed).status == 200
    assert "operator.password" in actions(server, tenant)


def test_sessions_are_listed_and_ended(
    server: Server, make_tenant: MakeTenant, entrance: Entrance
) -> None:
    person = entrance.enroll(make_tenant().account)
    second, third = entrance.browser(person.account), entrance.browser(person.account)
    second.client.headers["user-agent"] = "Second <b>browser</b>\u202e"
    for browser in (second, third):
        sign_in(browser, person.email)
    page = person.browser.open("/dashboard/you")
    assert "Second <b>browser</b>" in page.text
    row = next(one for one in page.root.all("tr") if "Second" in one.text)
    chosen = row.one("input", name="id").attributes["value"]
    person.browser.submit(page, "End", id=chosen)
    codes = [one.ask("/dashboard/you").status_code for one in (person.browser, second, third)]
    assert codes == [200, 303, 200]
    person.browser.submit(person.browser.open("/dashboard/you"), "End all others")
    codes = [one.ask("/dashboard/you").status_code for one in (person.browser, second, third)]
    assert codes == [200, 303, 303]


def test_nobody_ends_another_ones_session(
    server: Server, make_tenant: MakeTenant, entrance: Entrance
) -> None:
    tenant = make_tenant()
    ada, eve = entrance.enroll(tenant.account), entrance.enroll(tenant.account)
    ((raw,),) = server.query(
        "SELECT s.id FROM operator_sessions s JOIN operators o ON o.id = s.operator_id"
        " WHERE o.email = ?",
        ada.email,
    )
    sign_in(entrance.browser(eve.account), eve.email)
    eves = eve.browser.open("/dashboard/you")
    tried = eve.browser.submit(eves, "End", id=f"session_{bytes(raw).hex()}")
    assert tried.status == 404
    assert ada.browser.ask("/dashboard/you").status_code == 200


def test_the_command_line_signs_people_out(
    server: Server, make_tenant: MakeTenant, entrance: Entrance
) -> None:
    person = entrance.enroll(make_tenant().account)
    assert server.cli("operator", "sign-out", person.email)["sessions"] == 1
    assert person.browser.ask("/dashboard/you").status_code == 303


def test_a_link_sets_a_new_password_once(
    server: Server, make_tenant: MakeTenant, entrance: Entrance
) -> None:
    person = entrance.enroll(make_tenant().account)
    earlier = path_of(server.cli("operator", "link", person.email)["link"])
    link = path_of(server.cli("operator", "link", person.email)["link"])
    browser, late = entrance.browser(person.account), entrance.browser(person.account)
    page, waiting = browser.open(link), late.open(link)
    assert page.form("Go on").one("input", name="email").attributes["value"] == person.email
    browser.submit(page, "Go on", password="the next long password")
    assert browser.ask("/dashboard/you").status_code == 200
    assert person.browser.ask("/dashboard/you").status_code == 303
    assert late.submit(waiting, "Go on", password="a later long password").status == 404
    late.open(earlier, status=404)
    assert sign_in(late, person.email, "the next long password").status == 200


def test_a_forgotten_password_is_set_by_a_mail_that_no_account_can_read(
    server: Server, make_tenant: MakeTenant, entrance: Entrance
) -> None:
    tenant = make_tenant()
    person = entrance.enroll(tenant.account)
    browser = entrance.browser(person.account)
    nobody = f"{unique('nobody')}@example.com"
    pages = [
        browser.submit(browser.open("/dashboard/forgot"), "Send the link", email=email)
        for email in (person.email, nobody)
    ]
    known, unknown = (page.text for page in pages)
    assert known.replace(person.email, "") == unknown.replace(nobody, "")

    def mail() -> bytes | None:
        found = server.query("SELECT account_id, raw FROM mailbox")
        mine = [raw for owner, raw in found if not any(owner)]
        return next((raw for raw in map(bytes, mine) if person.email.encode() in raw), None)

    text = wait_for(mail, "the mail").decode().replace("=\r\n", "").replace("=\n", "")
    (link,) = re.findall(r"/dashboard/open/([\w-]{43})", text)
    browser.submit(browser.open(f"/dashboard/open/{link}"), "Go on", password="a brand new one")
    assert browser.ask("/dashboard/you").status_code == 200
    key = {"authorization": f"Bearer {tenant.key.secret}"}
    assert browser.ask("/v1/mailbox", headers=key).json()["data"]["mails"] == []


def test_the_last_owner_cannot_leave(
    server: Server, make_tenant: MakeTenant, entrance: Entrance
) -> None:
    tenant = make_tenant()
    owner, member = entrance.enroll(tenant.account), entrance.enroll(tenant.account, "member")
    page = member.browser.submit(member.browser.open("/dashboard/you"), "Leave")
    assert "You have left" in page.answer.text
    assert member.browser.ask("feed").status_code == 404
    page = owner.browser.submit(owner.browser.open("/dashboard/you"), "Leave")
    assert "at least one owner" in page.answer.text
    assert owner.browser.ask("feed").status_code == 200
