"""In a real browser, somebody …"""

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from deployments import access
from deployments.access import Role
from tests import factories
from tests.pages.test_browser import browser_page
from tests.signing_in.codes import code_of

__all__ = ["browser_page"]
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def sign_in(page: Page, name: str) -> None:
    page.get_by_label("User name or e-mail").fill(name)
    page.get_by_label("Password").fill("secret")
    page.get_by_role("button", name="Sign in").click()


def refuse_what_axe_finds(page: Page) -> None:
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        found = Axe().run(page)
        assert found.violations_count == 0, f"{page.url} {scheme}: {found.generate_report()}"


def test_is_invited_accepts_and_has_the_role(live_server: Any, browser_page: Page, settings: Any):
    settings.SITE_URL = live_server.url
    production = factories.make_deployment()
    factories.make_location(production)
    factories.make_member(Role.ADMIN, production)
    page, complaints = browser_page, []
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)

    page.goto(f"{live_server.url}/deployments/acme/production/-/members/")
    sign_in(page, "admin")
    refuse_what_axe_finds(page)
    page.get_by_role("link", name="Add or invite…").click()
    page.get_by_label("User name or e-mail").fill("nora@example.com")
    page.get_by_role("radio", name="Editor").check()
    refuse_what_axe_finds(page)
    page.get_by_role("button", name="Add or invite").click()
    link = page.locator("#invitation-link").inner_text()
    expect(page.get_by_role("row", name="nora@example.com")).to_contain_text("Editor")
    refuse_what_axe_finds(page)

    page.context.clear_cookies()
    page.goto(link)
    expect(page).to_have_url(f"{live_server.url}/invitations/")
    refuse_what_axe_finds(page)
    page.get_by_label("User name").fill("nora")
    page.get_by_label("Password", exact=True).fill("correct horse battery")
    page.get_by_label("The password again").fill("correct horse battery")
    page.get_by_role("button", name="Make the account and accept").click()

    expect(page.get_by_role("status").first).to_contain_text("Welcome: you are Editor of acme/production.")
    assert [each.role for each in access.members(production) if each.user.username == "nora"] == [Role.EDITOR]
    page.goto(link)
    expect(page.get_by_role("heading", name="This invitation is not open")).to_be_visible()
    assert [said for said in complaints if "404" not in said] == []


def test_sets_up_a_second_factor_and_signs_in_with_its_code(live_server: Any, browser_page: Page):
    factories.make_user("mona")
    page, complaints = browser_page, []
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)

    page.goto(f"{live_server.url}/accounts/2fa/")
    sign_in(page, "mona")
    refuse_what_axe_finds(page)
    page.get_by_role("link", name="Set up…").click()
    refuse_what_axe_finds(page)
    page.get_by_label("Your password").fill("secret")
    page.get_by_role("button", name="Go on").click()
    key = page.locator("#totp-key").inner_text()
    refuse_what_axe_finds(page)
    page.get_by_label("Code").fill(code_of(key))
    page.get_by_role("button", name="Switch it on").click()
    expect(page.get_by_role("status")).to_contain_text("The second factor is on")
    refuse_what_axe_finds(page)
    page.locator(".who summary").click()
    page.get_by_role("button", name="Sign out").click()

    page.goto(f"{live_server.url}/account/tokens/")
    sign_in(page, "mona")
    expect(page.get_by_role("heading", name="And the code")).to_be_visible()
    refuse_what_axe_finds(page)
    # The one after the next is not known yet; this one was not used to sign in.
    page.get_by_label("Code").fill(code_of(key, later=1))
    page.get_by_role("main").get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", name="Your account")).to_be_visible()
    page.get_by_role("link", name="New token…").click()
    page.get_by_label("Name where it is used").fill("laptop")
    refuse_what_axe_finds(page)
    page.get_by_role("button", name="Make the token").click()

    expect(page.locator("#new-token")).to_contain_text("lg_")
    refuse_what_axe_finds(page)
    assert complaints == []


def test_makes_a_machine_and_its_token(live_server: Any, browser_page: Page):
    production = factories.make_deployment()
    factories.make_member(Role.ORGANIZATION_ADMIN, production.organization)
    page = browser_page

    page.goto(f"{live_server.url}/organizations/acme/service-accounts/")
    sign_in(page, "organization_admin")
    refuse_what_axe_finds(page)
    page.get_by_role("link", name="New service account…").click()
    page.get_by_label("Name lower-case letters, digits and hyphens").fill("github-actions")
    page.get_by_label("On", exact=True).select_option("acme/production")
    page.get_by_role("button", name="Make it").click()
    expect(page.get_by_role("status")).to_contain_text("acme/github-actions is there.")
    page.get_by_role("link", name="New token of github-actions").click()
    page.get_by_label("Name where it is used").fill("pipeline")
    page.get_by_role("button", name="Make the token").click()

    expect(page.locator("#token-lines")).to_contain_text("export LASTGOOD_TOKEN=lg_")
    refuse_what_axe_finds(page)
    page.get_by_role("link", name="Members").click()
    expect(page.get_by_role("row", name="acme/github-actions")).to_contain_text("Deployer on acme/production")
    refuse_what_axe_finds(page)
