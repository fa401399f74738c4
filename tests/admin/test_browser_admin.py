"""In a real browser, the admin …"""

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import reverse
from playwright.sync_api import Page, expect

from deployments.models import PlatformWatch
from tests.admin.conftest import World, list_of, make_world, page_of
from tests.pages.test_browser import browser_page

__all__ = ["browser_page"]
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def world(transactional_db: None) -> World:
    """Make both tenants for each test: a browser sees what is committed alone."""
    return make_world()


def pages(world: World) -> list[str]:
    """Answer the first page, a list, a row to read, a form with completion, and a long form."""
    return [
        reverse("admin:index"),
        list_of("Deploy"),
        page_of(world.rows["Deploy"]),
        reverse("admin:deployments_alertchannel_add"),
        page_of(world.rows["Deployment"]),
    ]


def sign_in(page: Page, live_server: Any, name: str) -> None:
    page.goto(live_server.url + "/admin/")
    page.get_by_label("User name or e-mail").fill(name)
    page.get_by_label("Password").fill("secret")
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("#main h1")).to_contain_text("Dashboard")


def test_asks_nobody_else_and_passes_axe_in_both_schemes(world: World, live_server: Any, browser_page: Page):
    PlatformWatch.objects.update(unreachable_since="2026-11-01T00:00:00Z", error={"code": "x", "detail": "Silent."})
    page, asked, complaints = browser_page, set(), []
    page.on("request", lambda request: asked.add(request.url))
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    sign_in(page, live_server, "root")
    found = {}
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        for path in pages(world):
            page.goto(live_server.url + path)
            page.wait_for_load_state("networkidle")
            said = Axe().run(page).response["violations"]
            if said:
                found[scheme, path] = [(each["id"], [node["html"][:120] for node in each["nodes"]]) for each in said]

    assert found == {}
    assert [url for url in asked if not url.startswith((live_server.url, "data:"))] == []
    assert complaints == []


def test_fits_a_phone(world: World, live_server: Any, browser_page: Page):
    page = browser_page
    page.set_viewport_size({"width": 390, "height": 844})
    sign_in(page, live_server, "root")
    for path in pages(world):
        page.goto(live_server.url + path)

        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), path
    page.goto(live_server.url + list_of("Deploy"))
    page.get_by_role("button", name="Show or hide the navigation").click()
    page.get_by_role("link", name="Code locations").click()
    expect(page.locator("#main h1")).to_contain_text("Code locations")
