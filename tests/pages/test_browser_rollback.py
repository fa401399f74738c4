"""In a real browser, somebody who never saw the portal …"""

from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, expect

from deployments.access import Role
from deployments.models import CodeLocation
from deployments.states import DeployStatus
from tests import factories
from tests.assets.sets import asset, define, record
from tests.pages import scenes, shipping
from tests.pages.test_browser import PATIENCE, browser_page
from tests.workers import running_worker

__all__ = ["browser_page"]
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
MOST_CLICKS = 4
SIZES = [(1440, 900), (390, 844)]


class Hand:
    """What clicks, and counts that."""

    def __init__(self) -> None:
        self.clicks = 0

    def click(self, what: Locator) -> None:
        """Click what can be seen."""
        expect(what).to_be_in_viewport()
        what.click()
        self.clicks += 1


def sign_in(page: Page, address: str, name: str = "editor") -> None:
    """Sign in, and be at this address."""
    page.goto(address)
    page.get_by_label("User name or e-mail").fill(name)
    page.get_by_label("Password").fill("secret")
    page.get_by_role("button", name="Sign in").click()


def listen(page: Page) -> list[str]:
    """Answer what the browser complains of, as it comes."""
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    return complaints


def has_no_barriers(page: Page) -> None:
    """Let axe look at the page as it is, in both schemes."""
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()


def a_shop() -> CodeLocation:
    """Answer a location whose #2 took an asset away, with an editor."""
    location = factories.make_location()
    first = factories.deploy(location, scenes.files(1), description="Orders", git=scenes.GIT)
    record(first, define(asset("orders"), asset("customers")))
    record(factories.deploy(location, scenes.files(2), description="Prices", git=scenes.GIT), define(asset("orders")))
    factories.make_member(Role.EDITOR, location.deployment)
    return location


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_goes_from_the_start_page_to_a_running_rollback_in_four_clicks_and_reads_what_is_next(
    size: tuple[int, int], broker: str, live_server: Any, browser_page: Page, tmp_path: Path
):
    location, page, hand = a_shop(), browser_page, Hand()
    complaints = listen(page)
    page.set_viewport_size({"width": size[0], "height": size[1]})
    sign_in(page, live_server.url)

    hand.click(page.get_by_text("shop", exact=True).first)
    hand.click(page.get_by_text("Roll back to last known good"))
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("1 added")).to_be_visible()
    expect(dialog.get_by_text("customers")).to_be_visible()
    dialog.get_by_label("Why?").fill("Prices are wrong")
    with running_worker(broker, tmp_path / "worker.log"):
        hand.click(dialog.get_by_role("button", name="Roll back to #1"))
        expect(page.get_by_role("heading", level=1)).to_contain_text("#3")
        assert hand.clicks <= MOST_CLICKS
        expect(page.get_by_role("heading", level=1)).to_contain_text("Succeeded", timeout=PATIENCE)

    # It came without loading the page again.
    what_now = page.get_by_role("region", name="What now?")
    expect(what_now).to_contain_text("#1 is live again since")
    expect(what_now.get_by_text("git revert")).to_be_visible()
    assert page.evaluate("performance.getEntriesByType('navigation')[0].type") == "navigate"
    assert factories.fresh(location).live_deploy.number == 3
    has_no_barriers(page)
    assert complaints == []
    what_now.get_by_role("button", name="Resume").click()
    expect(page.get_by_text("The next push goes live.")).to_be_visible()


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_goes_from_a_row_of_history_to_a_rollback_in_two_clicks(
    size: tuple[int, int], live_server: Any, browser_page: Page
):
    location, page, hand = a_shop(), browser_page, Hand()
    page.set_viewport_size({"width": size[0], "height": size[1]})
    sign_in(page, live_server.url + location.get_absolute_url())
    row = page.get_by_role("link", name="Deploy #1")
    row.scroll_into_view_if_needed()

    hand.click(row)
    expect(page.get_by_label("Why?")).to_be_focused()
    page.keyboard.type("Prices are wrong")
    hand.click(page.get_by_role("dialog").get_by_role("button", name="Roll back to #1"))

    expect(page.get_by_role("heading", level=1)).to_contain_text("#3 Queued")
    assert hand.clicks == 2
    assert location.deploys.get(number=3).description == "Prices are wrong"


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_has_the_button_in_sight_however_long_the_plan_is_and_can_leave_it_by_escape(
    size: tuple[int, int], live_server: Any, browser_page: Page
):
    location, page = shipping.make_airflow(), browser_page
    shipping.history_of_airflow(location)
    factories.make_member(Role.EDITOR, location.deployment)
    page.set_viewport_size({"width": size[0], "height": size[1]})
    sign_in(page, live_server.url + location.get_absolute_url())
    page.get_by_role("link", name="Deploy #1", exact=True).click()
    dialog = page.get_by_role("dialog")
    confirm, why = dialog.get_by_role("button", name="Roll back to #1"), dialog.get_by_label("Why?")

    for each in dialog.locator("summary").all():
        each.click()
    for end in (0, 100_000):
        dialog.locator(".dialog-body").evaluate("(body, top) => body.scrollTo(0, top)", end)
        expect(confirm).to_be_in_viewport(ratio=1)
        expect(why).to_be_in_viewport(ratio=1)
    has_no_barriers(page)
    # What was forgotten is shown, and nothing is sent.
    why.fill("Too new")
    confirm.click()
    expect(dialog.get_by_role("checkbox").first).to_be_focused()
    expect(dialog.get_by_role("checkbox").first).to_be_in_viewport()
    page.keyboard.press("Escape")

    expect(dialog).to_be_hidden()
    expect(page.get_by_role("link", name="Deploy #1", exact=True)).to_be_focused()
    assert location.deploys.count() == 4


def test_sees_what_else_there_is_after_a_rollback_that_failed(live_server: Any, browser_page: Page):
    location, page = factories.make_location(factories.make_deployment(activation_command="")), browser_page
    for version in (1, 2, 3):
        factories.deploy(location, scenes.files(version), description=f"Version {version}")
    type(location.deployment).objects.update(activation_command="/usr/bin/false")
    factories.roll_back(location, 1)
    factories.make_member(Role.EDITOR, location.deployment)
    sign_in(page, f"{live_server.url}{location.get_absolute_url()}deploys/4/")

    what_now = page.get_by_role("region", name="What now?")
    expect(what_now).to_contain_text("#4 is in place and failed; #3 was the last live.")
    has_no_barriers(page)
    what_now.get_by_role("link", name="Roll back to #2").click()
    page.get_by_label("Why?").fill("The one before")
    page.get_by_role("dialog").get_by_role("button", name="Roll back to #2").click()

    expect(page.get_by_role("heading", level=1)).to_contain_text("#5 Queued")
    assert location.deploys.get(number=5).status == DeployStatus.QUEUED


def test_follows_an_asset_in_time_by_the_keyboard(live_server: Any, browser_page: Page):
    location, page = factories.make_location(), browser_page
    for version in (1, 2):
        record(factories.deploy(location, scenes.files(version)), define(asset("orders", code_version=str(version))))
    factories.make_member(Role.VIEWER, location.deployment)
    sign_in(page, f"{live_server.url}{location.get_absolute_url()}assets/detail/?key=orders", "viewer")
    picture = page.get_by_role("group", name="Changes of orders in time")

    expect(picture.get_by_role("link")).to_have_count(2)
    has_no_barriers(page)
    page.get_by_text("The same as a table").click()
    has_no_barriers(page)
    page.get_by_role("link", name="Change history", exact=True).click()
    expect(page.get_by_role("heading", name="Change history")).to_be_visible()
    has_no_barriers(page)
    picture.get_by_role("link", name="#1 added it").focus()
    page.keyboard.press("Tab")
    expect(picture.get_by_role("link", name="#2 changed it: Code version")).to_be_focused()
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", level=1)).to_contain_text("#2")
