"""In a real browser, on the deployments page and in a history, somebody …"""

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from deployments.access import Role
from deployments.models import CodeLocation, Deploy
from tests import factories
from tests.pages import scenes
from tests.pages.test_browser import browser_page
from tests.pages.test_budget import many

__all__ = ["browser_page"]
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def opened(page: Page, server: Any, address: str) -> list[str]:
    """Sign in as the editor at an address, and answer the list of what the browser complains of."""
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(server.url + address)
    page.get_by_label("User name or e-mail").fill("editor")
    page.get_by_label("Password").fill("secret")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("link", name="Deployments").first).to_be_visible()
    return complaints


def make_history(count: int = 3) -> CodeLocation:
    """Make a history with an editor who may roll back in it."""
    location = factories.make_location()
    for number in range(1, count + 1):
        factories.deploy(location, scenes.files(number), description=f"Version {number}", git=scenes.GIT)
    factories.make_member(Role.EDITOR, location.deployment)
    return factories.fresh(location)


def test_moves_over_the_rows_opens_rolls_back_searches_and_reads_the_keys(live_server: Any, browser_page: Page):
    location, page = make_history(), browser_page
    complaints = opened(page, live_server, location.deployment.get_absolute_url())
    rows = page.locator("table.history")

    page.keyboard.press("j")
    expect(rows.get_by_role("link", name="#3", exact=True)).to_be_focused()
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(rows.get_by_role("link", name="#1", exact=True)).to_be_focused()
    page.keyboard.press("k")
    expect(rows.get_by_role("link", name="#2", exact=True)).to_be_focused()
    page.keyboard.press("Control+j")
    expect(rows.get_by_role("link", name="#2", exact=True)).to_be_focused()
    page.keyboard.press("r")
    expect(page.get_by_role("dialog")).to_contain_text("Roll back shop to #2")
    page.keyboard.type("jjr?")
    expect(page.get_by_label("Why?")).to_have_value("jjr?")
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_contain_text("Roll back to the deploy")
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    expect(page.locator("#f-q")).to_be_focused()
    page.keyboard.type("jkr/?")
    expect(page.locator("#f-q")).to_have_value("jkr/?")
    page.locator("h1").first.click()
    page.keyboard.press("j")
    page.keyboard.press("Enter")

    expect(page.locator("h1")).to_contain_text("#3 Succeeded")
    assert complaints == []


def test_chooses_columns_which_stay_chosen(live_server: Any, browser_page: Page):
    location, page = make_history(), browser_page
    complaints = opened(page, live_server, location.get_absolute_url())
    heads = page.locator("table.history thead")

    page.get_by_text("Columns", exact=True).click()
    page.get_by_role("checkbox", name="Bundle version").uncheck()
    expect(heads).not_to_contain_text("Bundle version")
    page.get_by_role("checkbox", name="Release").check()
    expect(heads).to_contain_text("Release")
    expect(page.get_by_role("checkbox", name="Release")).to_be_visible()
    page.reload()

    expect(heads).to_contain_text("Release")
    expect(heads).not_to_contain_text("Bundle version")
    assert complaints == []


def test_does_by_a_rows_menu_what_else_can_be_done(live_server: Any, browser_page: Page):
    location, page = make_history(), browser_page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    complaints = opened(page, live_server, location.get_absolute_url())
    release = location.deploys.get(number=2).release
    assert release is not None

    page.get_by_role("button", name="Actions of #2").click()
    menu = page.get_by_role("menu", name="Actions of #2")
    expect(menu.get_by_role("menuitem", name="View deploy")).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(menu.get_by_role("menuitem", name="Copy commit 4be1f6a")).to_be_focused()
    page.keyboard.press("Escape")
    expect(menu).to_be_hidden()
    expect(page.get_by_role("button", name="Actions of #2")).to_be_focused()
    page.keyboard.press("m")
    menu.get_by_role("menuitem", name="Copy release digest").click()
    expect(menu).to_be_hidden()
    assert page.evaluate("navigator.clipboard.readText()") == release.digest
    page.keyboard.press("m")
    menu.get_by_role("menuitem", name="Roll back to this version…").click()
    expect(page.get_by_role("dialog")).to_contain_text("Roll back shop to #2")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Actions of #1").click()
    page.get_by_role("menuitem", name="Compare with live #3").click()

    expect(page).to_have_url(f"{live_server.url}{location.get_absolute_url()}compare/?from=1&to=3")
    assert complaints == []


def test_keeps_the_place_the_menu_and_the_words_when_rows_arrive(live_server: Any, browser_page: Page):
    location, page = make_history(), browser_page
    many(location, 40)
    # While something is under way the page looks every two seconds.
    factories.push(location, scenes.files(7), description="Waits")
    complaints = opened(page, live_server, location.get_absolute_url())
    page.locator("#f-q").fill("half a wo")
    expect(page.locator("table.history tbody tr")).to_have_count(44)
    page.get_by_role("link", name="Deploy #20").focus()
    before = page.evaluate("document.activeElement.getBoundingClientRect().top")
    page.get_by_text("More", exact=True).evaluate("summary => summary.parentElement.open = true")

    factories.push(location, scenes.files(8), description="Arrives")
    expect(page.get_by_role("link", name="#45", exact=True).first).to_be_attached()

    expect(page.get_by_role("link", name="Deploy #20")).to_be_focused()
    assert abs(page.evaluate("document.activeElement.getBoundingClientRect().top") - before) < 2
    expect(page.locator("#f-q")).to_have_value("half a wo")
    expect(page.get_by_label("Asset key")).to_be_visible()
    expect(page.locator("#news")).to_have_text("#45 Queued")
    assert complaints == []


def test_goes_from_tick_to_tick_to_a_deploy(live_server: Any, browser_page: Page):
    page = browser_page
    make_history()
    complaints = opened(page, live_server, "/")
    page.wait_for_load_state()  # the arrow keys are the script's
    strip = page.get_by_role("list", name="Last deploys of shop, the newest at the end")

    strip.get_by_role("link").last.focus()
    page.keyboard.press("ArrowLeft")
    expect(strip.get_by_role("link").nth(1)).to_be_focused()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('.strip')") is None
    page.keyboard.press("Shift+Tab")
    expect(strip.get_by_role("link").nth(1)).to_be_focused()
    page.keyboard.press("Enter")

    expect(page.locator("h1")).to_contain_text("#2 Succeeded")
    assert complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_meets_nothing_that_axe_complains_of(scheme: str, live_server: Any, browser_page: Page):
    location, page = make_history(), browser_page
    finance = factories.make_location(location.deployment, "finance")
    factories.roll_back(location, 1)
    factories.push(location, scenes.files(5))
    third = factories.push(finance, scenes.files(1))
    Deploy.objects.filter(pk=third.pk).update(status="FAILED", finished_at=third.created_at)
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    opened(page, live_server, "/")

    for address in ("/", location.get_absolute_url(), f"{location.get_absolute_url()}?status=QUEUED&collapse=true"):
        page.goto(live_server.url + address)
        found = Axe().run(page)
        assert found.violations_count == 0, (address, found.generate_report())
    page.goto(live_server.url + location.get_absolute_url())
    page.get_by_role("button", name="Actions of #1").click()
    expect(page.get_by_role("menuitem", name="View deploy")).to_be_focused()
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
