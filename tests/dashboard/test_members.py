"""Members: invited, accepted, changed and removed; who may do that to whom."""

import re
from collections.abc import Callable

from tests.dashboard.entering import PASSWORD, Entrance, sign_in
from tests.dashboard.visitor import Page, Visitor
from tests.server import Server, Tenant, unique

MakeTenant = Callable[..., Tenant]


def invite(browser: Visitor, email: str, role: str) -> tuple[Page, str]:
    """Invite somebody; the page, and where its link leads."""
    page = browser.submit(browser.open("members"), "Invite", email=email, role=role)
    found = re.findall(r"/dashboard/open/[\w-]{43}", page.text)
    return page, found[0] if found else ""


def test_somebody_new_accepts_with_a_password(make_tenant: MakeTenant, entrance: Entrance) -> None:
    owner = entrance.enroll(make_tenant().account)
    email = f"{unique('alan')}@example.com"
    page, link = invite(owner.browser, email.upper(), "member")
    assert page.status == 200
    assert email in page.text
    newcomer = entrance.browser(owner.account)
    welcome = newcomer.open(link)
    assert owner.email in welcome.text
    newcomer.submit(welcome, "Go on", name="Alan", password=PASSWORD)
    assert newcomer.open("members").text.count("Alan") == 1
    entrance.browser().open(link, 404)
    assert email in owner.browser.open("members").text


def test_an_operator_accepts_when_signed_in(make_tenant: MakeTenant, entrance: Entrance) -> None:
    owner, other = entrance.enroll(make_tenant().account), entrance.enroll(make_tenant().account)
    _, link = invite(owner.browser, other.email, "viewer")
    fresh = entrance.browser(owner.account)
    asked = fresh.open(link)
    assert "Sign in to accept" in asked.text
    signing = fresh.open(asked.link("Sign in"))
    back = fresh.submit(signing, "Sign in", email=other.email, password=PASSWORD)
    assert back.address.endswith(link)
    assert "Sign out first" in owner.browser.open(link).text
    fresh.submit(back, "Accept")
    assert fresh.open("feed").status == 200
    names = [one.text.strip() for one in fresh.open("/dashboard/you").root.all("th", scope="row")]
    assert len(names) == 2 + 2, names


def test_an_invitation_is_for_one_address_alone(
    make_tenant: MakeTenant, entrance: Entrance
) -> None:
    owner, eve = entrance.enroll(make_tenant().account), entrance.enroll(make_tenant().account)
    bob = entrance.enroll(make_tenant().account)
    _, link = invite(owner.browser, bob.email, "admin")
    token = eve.browser.open("/dashboard/you").form("Save").one("input", name="csrf")
    form = {"csrf": token.attributes["value"], "name": "Eve", "password": PASSWORD}
    assert eve.browser.ask(link, "POST", data=form).status_code == 403
    assert eve.browser.ask(f"/dashboard/{owner.account}/feed").status_code == 404
    assert bob.browser.submit(bob.browser.open(link), "Accept").status == 200


def test_roles_change_at_once(make_tenant: MakeTenant, entrance: Entrance) -> None:
    account = make_tenant().account
    owner, other = entrance.enroll(account), entrance.enroll(account, "viewer")
    page = owner.browser.open("members")
    row = next(one for one in page.root.all("tr") if other.email in one.text)
    chosen = row.all("input", name="id")[0].attributes["value"]
    assert "Invite somebody" not in other.browser.open("members").text
    owner.browser.submit(page, "Change", id=chosen, role="admin")
    assert "Invite somebody" in other.browser.open("members").text
    owner.browser.submit(owner.browser.open("members"), "Remove", id=chosen)
    assert other.browser.ask("members").status_code == 404
    assert other.browser.open("/dashboard").title == "No account yet"


def test_admins_manage_members_alone(make_tenant: MakeTenant, entrance: Entrance) -> None:
    account = make_tenant().account
    owner, admin = entrance.enroll(account), entrance.enroll(account, "admin")
    page, link = invite(admin.browser, f"{unique('x')}@example.com", "owner")
    assert (page.status, link) == (403, "")
    page, link = invite(admin.browser, f"{unique('x')}@example.com", "member")
    assert (page.status, bool(link)) == (200, True)
    member, viewer = entrance.enroll(account, "member"), entrance.enroll(account, "viewer")
    rows = admin.browser.open("members").root.all("tr")
    managed = {
        one.email
        for one in (owner, admin, member, viewer)
        if next(row for row in rows if one.email in row.text).all("form")
    }
    assert managed == {member.email, viewer.email}
    for weak in (member, viewer):
        forms = weak.browser.open("members").root.all("form")
        assert not [one for one in forms if "/members/" in one.attributes["action"]]


def test_invitations_are_renewed_and_withdrawn(make_tenant: MakeTenant, entrance: Entrance) -> None:
    owner = entrance.enroll(make_tenant().account)
    page, first = invite(owner.browser, f"{unique('kay')}@example.com", "viewer")
    again = owner.browser.submit(page, "Send again")
    (second,) = re.findall(r"/dashboard/open/[\w-]{43}", again.text)
    entrance.browser().open(first, 404)
    entrance.browser().open(second)
    gone = owner.browser.submit(again, "Withdraw")
    assert "Invited" not in gone.text
    entrance.browser().open(second, 404)


def test_mails_that_invite_belong_to_no_account(
    server: Server, make_tenant: MakeTenant, entrance: Entrance
) -> None:
    tenant = make_tenant()
    owner = entrance.enroll(tenant.account)
    email = f"{unique('mail')}@example.com"
    invite(owner.browser, email, "viewer")
    key = {"authorization": f"Bearer {tenant.key.secret}"}
    for path, name in (("/v1/messages", "messages"), ("/v1/mailbox", "mails")):
        assert owner.browser.ask(path, headers=key).json()["data"][name] == []


def test_signing_in_still_works_for_people_of_no_account(
    server: Server, make_tenant: MakeTenant, entrance: Entrance
) -> None:
    tenant = make_tenant()
    entrance.enroll(tenant.account)
    other = entrance.enroll(tenant.account, "viewer")
    server.cli("operator", "remove", other.email, "--account", tenant.account)
    assert sign_in(entrance.browser(), other.email).title == "No account yet"
    server.cli("operator", "remove", other.email)
    assert sign_in(entrance.browser(), other.email).status == 401
