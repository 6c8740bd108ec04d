"""The second factor: switched on with a code, asked for, and stood in for by recovery codes."""

import time
from collections.abc import Callable

import pyotp

from tests.dashboard.entering import PASSWORD, Entrance, Person, path_of, sign_in
from tests.dashboard.visitor import COOKIE
from tests.server import Server, Tenant

MakeTenant = Callable[..., Tenant]
STEP_S = 30


def codes_of(secret: str) -> tuple[str, str]:
    """The codes of this moment and of the next step, which is right as well."""
    totp, now = pyotp.TOTP(secret), int(time.time())
    return totp.at(now), totp.at(now + STEP_S)


def switch_on(person: Person) -> tuple[str, list[str]]:
    """Switch it on with the code of this moment; the secret and the recovery codes."""
    page = person.browser.open("/dashboard/you/second-factor")
    secret = page.form("Switch it on").one("input", name="secret").attributes["value"]
    assert page.root.one("img").attributes["src"].startswith("data:image/svg+xml")
    done = person.browser.submit(page, "Switch it on", code=codes_of(secret)[0], current=PASSWORD)
    assert done.title == "Your recovery codes", done.text
    return secret, done.root.one("pre").text.split()


def test_it_asks_for_the_password_and_a_code(make_tenant: MakeTenant, entrance: Entrance) -> None:
    person = entrance.enroll(make_tenant().account)
    page = person.browser.open("/dashboard/you/second-factor")
    secret = page.form("Switch it on").one("input", name="secret").attributes["value"]
    right = codes_of(secret)[0]
    wrong = "000000" if right != "000000" else "111111"
    no = person.browser.submit(page, "Switch it on", code=right, current="wrong")
    assert (no.status, set(no.errors())) == (400, {"current"})
    no = person.browser.submit(page, "Switch it on", code=wrong, current=PASSWORD)
    assert (no.status, set(no.errors())) == (400, {"code"})
    assert no.form("Switch it on").one("input", name="secret").attributes["value"] == secret
    assert person.browser.submit(no, "Switch it on", code=right, current=PASSWORD).status == 200


def test_a_code_works_once(server: Server, make_tenant: MakeTenant, entrance: Entrance) -> None:
    person = entrance.enroll(make_tenant().account)
    secret, _ = switch_on(person)
    browser = entrance.browser(person.account)
    page = sign_in(browser, person.email)
    assert page.title == "One more step"
    waiting = str(browser.client.cookies.get(COOKIE))
    for where in ("feed", "/dashboard/you", "api/v1/events"):
        answer = browser.ask(where)
        assert (answer.status_code, answer.headers["location"]) == (303, "/dashboard/sign-in/code")
    now, later = codes_of(secret)
    assert browser.submit(page, "Go on", code=now).status == 401
    done = browser.submit(page, "Go on", code=f"{later[:3]} {later[3:]}")
    assert f"/dashboard/{person.account}" in done.address
    assert browser.client.cookies.get(COOKIE) != waiting
    old = entrance.browser(person.account, waiting)
    assert old.ask("/dashboard/sign-in/code").headers["location"] == "/dashboard/sign-in"
    third = entrance.browser(person.account)
    again = third.submit(sign_in(third, person.email), "Go on", code=later)
    assert again.status == 401


def test_a_recovery_code_works_once(make_tenant: MakeTenant, entrance: Entrance) -> None:
    person = entrance.enroll(make_tenant().account)
    _, codes = switch_on(person)
    assert len(set(codes)) == 10
    assert "10 recovery codes" in person.browser.open("/dashboard/you").text
    for code, status in ((codes[0].upper(), 200), (codes[0], 401), (codes[1], 200)):
        browser = entrance.browser(person.account)
        page = browser.submit(sign_in(browser, person.email), "Go on", code=code)
        assert page.status == status
    page = person.browser.open("/dashboard/you")
    assert "8 recovery codes" in page.text
    done = person.browser.submit(page, "New recovery codes", current=PASSWORD)
    fresh = done.root.one("pre").text.split()
    assert not set(fresh) & set(codes)
    browser = entrance.browser(person.account)
    page = sign_in(browser, person.email)
    assert browser.submit(page, "Go on", code=codes[2]).status == 401
    assert browser.submit(page, "Go on", code=fresh[0]).status == 200


def test_codes_cannot_be_guessed_for_long(make_tenant: MakeTenant, entrance: Entrance) -> None:
    person = entrance.enroll(make_tenant().account)
    secret, _ = switch_on(person)
    browser = entrance.browser(person.account)
    page = sign_in(browser, person.email)
    tried = [browser.submit(page, "Go on", code=f"{number:06}").status for number in range(9)]
    assert tried[-1] == 429
    assert browser.submit(page, "Go on", code=codes_of(secret)[1]).status == 429


def test_it_goes_off_with_the_password_or_by_the_command_line(
    server: Server, make_tenant: MakeTenant, entrance: Entrance
) -> None:
    account = make_tenant().account
    one, two = entrance.enroll(account), entrance.enroll(account)
    page = (switch_on(one), one.browser.open("/dashboard/you"))[1]
    where = "/dashboard/you/second-factor/off"
    token = page.form("Save").one("input", name="csrf").attributes["value"]
    wrong = one.browser.ask(where, "POST", data={"csrf": token, "current": "wrong"})
    assert wrong.status_code == 400
    right = one.browser.ask(where, "POST", data={"csrf": token, "current": PASSWORD})
    assert right.status_code == 303
    assert sign_in(entrance.browser(account), one.email).title != "One more step"
    switch_on(two)
    link = server.cli("operator", "link", two.email, "--without-second-factor")["link"]
    browser = entrance.browser(account)
    browser.submit(browser.open(path_of(link)), "Go on", password="a brand new password")
    assert browser.ask("/dashboard/you").status_code == 200


def test_a_new_password_by_a_link_does_not_pass_the_second_factor(
    server: Server, make_tenant: MakeTenant, entrance: Entrance
) -> None:
    person = entrance.enroll(make_tenant().account)
    switch_on(person)
    link = server.cli("operator", "link", person.email)["link"]
    browser = entrance.browser(person.account)
    page = browser.submit(browser.open(path_of(link)), "Go on", password="a brand new password")
    assert page.title == "One more step"
