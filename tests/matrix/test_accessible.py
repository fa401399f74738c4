"""In a real browser, every page …

Axe, the checker, comes in a wheel; it is run with the rules of WCAG 2.2 AA and with its own good practices.
"""

import os
from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.factories import make_user
from tests.matrix.pages import DEPLOY, SHOWN
from tests.matrix.scene import OWN, Scene, make_scene
from tests.matrix.test_pages_matrix import sign_in
from tests.pages.pictures import chromium

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("axe")]

RULES = {
    "resultTypes": ["violations"],
    "runOnly": {
        "type": "tag",
        "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    },
}
# Of these a person's own pages; what is behind the sign-in comes from the table of pages.
OPEN = ["/accounts/login/", "/accounts/signup/", "/no/such/page/"]
# Parts of pages, which are looked at within them.
PARTS = {f"{DEPLOY}live/"}
# One row an address: the cases of one look alike.
PAGES = list({row.path: row for row in reversed(SHOWN) if row.path not in PARTS}.values())[::-1]
ACCOUNT = ["/accounts/password/change/", "/accounts/logout/", "/deployments/no/such/"]


@pytest.fixture
def chrome(monkeypatch: pytest.MonkeyPatch) -> Iterator[Browser]:
    """Answer a Chromium; skipped where there is none, unless REQUIRE_BROWSER=1."""
    found = chromium()
    if found is None:
        why = "No Chromium on PATH (Debian: apt-get install chromium)."
        pytest.fail(why) if os.environ.get("REQUIRE_BROWSER") == "1" else pytest.skip(why)
    # Playwright keeps an event loop in this thread, and Django would refuse its database there.
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=arguments)
        yield browser
        browser.close()


@pytest.mark.parametrize(("scheme", "width"), [("light", 1440), ("dark", 390)])
def test_can_be_used_by_everybody(live_server: Any, chrome: Browser, scheme: Any, width: int):
    scene = make_scene()
    context = chrome.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page = context.new_page()
    found = {path: violations(page, live_server.url + path) for path in OPEN}
    enter(context, scene, live_server.url)

    found |= {path: violations(page, live_server.url + path) for path in ACCOUNT}
    found |= {str(row): violations(page, live_server.url + row.url(OWN)) for row in PAGES}

    said = [f"{path}: {one}" for path, broken in found.items() for one in broken]
    assert not said, "\n".join(said)


def test_tells_somebody_without_any_role_what_to_do(live_server: Any, chrome: Browser):
    make_user("newcomer")
    client = Client()
    client.login(username="newcomer", password="secret")
    context = chrome.new_context()
    give_session(context, client, live_server.url)
    page = context.new_page()

    broken = violations(page, live_server.url + "/")

    assert broken == []
    assert page.get_by_role("heading", level=1).count() == 1


def enter(context: BrowserContext, scene: Scene, url: str) -> None:
    """Have the context signed in as an organization admin, who is shown most."""
    client = Client()
    sign_in(client, "organization_admin@organization", scene)
    give_session(context, client, url)


def give_session(context: BrowserContext, client: Client, url: str) -> None:
    """Hand a session over to the browser."""
    name = settings.SESSION_COOKIE_NAME
    context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": url}])


def violations(page: Page, address: str) -> list[str]:
    """Answer what is wrong with the page, once it has shown all that it loads by itself."""
    page.goto(address, wait_until="load")
    expect(page.locator(".htmx-request")).to_have_count(0)
    answer = Axe().run(page, options=RULES)
    return [
        f"{rule['id']} ({rule['impact']}): {rule['help']}: "
        + "; ".join(node["html"][:160] for node in rule["nodes"][:4])
        for rule in answer.response["violations"]
    ]
