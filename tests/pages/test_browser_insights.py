"""In a browser, Insights …"""

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from deployments.access import Role
from tests import factories
from tests.insights.rows import DAY, HOUR, MINUTE, NOON, History
from tests.pages.test_browser import browser_page

__all__ = ["browser_page"]

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
WEEK = "from=2026-11-12&to=2026-11-18"


def test_shows_figures_and_plots_that_axe_finds_nothing_wrong_with_in_both_schemes(
    live_server: Any, browser_page: Page
):
    location = factories.make_location()
    factories.make_member(Role.VIEWER, location.deployment)
    shop = History(location)
    first = shop.push(NOON - DAY, committed=HOUR)
    shop.push(NOON, "FAILED", placed=MINUTE)
    shop.roll_back(NOON + 5 * MINUTE, to=first)
    shop.push(NOON + HOUR, committed=HOUR)
    page = browser_page
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)

    page.goto(f"{live_server.url}/insights/?{WEEK}")
    page.get_by_label("User name or e-mail").fill("viewer")
    page.get_by_label("Password").fill("secret")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_label("Place", exact=True).select_option("acme/production")
    page.get_by_role("button", name="Show", exact=True).click()

    expect(page.locator("h1")).to_contain_text("acme/production")
    expect(page.get_by_role("img", name="Deploys How many")).to_be_visible()
    expect(page.locator("#tile-rate + p")).to_have_text("33.3%")
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # one of its literals
        assert Axe().run(page).response["violations"] == []
    assert complaints == []
