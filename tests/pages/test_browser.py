"""In a real browser, with a real worker, somebody …"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from deployments.access import Role
from deployments.states import DeployStatus
from tests import factories
from tests.assets.sets import asset, define, record
from tests.pages import scenes, shipping
from tests.pages.pictures import chromium
from tests.workers import running_worker

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PATIENCE = 60_000  # milliseconds: a bound for machines under load, not a measure


@pytest.fixture
def browser_page(monkeypatch: pytest.MonkeyPatch) -> Iterator[Page]:
    """Answer an empty page of a Chromium; skipped where there is none, unless REQUIRE_BROWSER=1."""
    found = chromium()
    if found is None:
        why = "No Chromium on PATH (Debian: apt-get install chromium)."
        pytest.fail(why) if os.environ.get("REQUIRE_BROWSER") == "1" else pytest.skip(why)
    # Playwright keeps an event loop in this thread, and Django would refuse its database there.
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=arguments)
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.set_default_timeout(PATIENCE)
        yield page
        browser.close()


def test_rolls_back_to_the_last_known_good_and_sees_it_happen(
    broker: str, live_server: Any, browser_page: Page, tmp_path: Path
):
    location = factories.make_location()
    factories.deploy(location, scenes.files(1), description="Good")
    factories.deploy(location, scenes.files(2), description="Bad")
    factories.make_member(Role.EDITOR, location.deployment)
    complaints: list[str] = []
    page = browser_page
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))

    page.goto(live_server.url + location.deployment.get_absolute_url())
    page.get_by_label("User name or e-mail").fill("editor")
    page.get_by_label("Password").fill("secret")
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("table.history tbody tr")).to_have_count(2)
    expect(page.locator("tr.live")).to_contain_text("#2")
    page.get_by_role("link", name="Roll back to last known good").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Roll back shop to #1")
    expect(dialog).to_contain_text("shop/orders.py")
    expect(page.get_by_label("Why?")).to_be_focused()
    page.keyboard.type("Orders are empty")
    dialog.get_by_role("button", name="Roll back to #1").click()
    expect(page.locator("h1")).to_contain_text("#3 Queued")
    # The worker starts only now: what follows comes without reloading.
    with running_worker(broker, tmp_path / "worker.log"):
        expect(page.locator("h1")).to_contain_text("#3 Succeeded", timeout=PATIENCE)
    expect(page.locator("ol.log")).to_contain_text("In place as")
    assert page.evaluate("performance.getEntriesByType('navigation')[0].type") == "navigate"
    page.get_by_role("navigation", name="Where you are").get_by_role("link", name="shop").click()

    expect(page.locator("tr.live")).to_contain_text("Rollback to #1")
    expect(page.get_by_role("button", name="Resume")).to_be_visible()
    now = factories.fresh(location)
    assert now.live_deploy.number == now.placed_deploy.number == 3
    assert now.live_deploy.status == DeployStatus.SUCCEEDED
    assert complaints == []


def test_opens_the_keys_that_a_deploy_changed_and_lands_on_the_change_history_of_one(
    live_server: Any, browser_page: Page
):
    location = scenes.with_assets(scenes.long_history(factories.make_organization()))
    factories.make_member(Role.VIEWER, location.deployment)
    page = browser_page
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)

    page.goto(live_server.url + location.get_absolute_url())
    page.get_by_label("User name or e-mail").fill("viewer")
    page.get_by_label("Password").fill("secret")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("link", name="2 added, 1 removed, 1 changed").focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Assets of #5")
    expect(dialog).to_contain_text("marts/finance/revenue_daily")
    page.keyboard.press("Escape")
    expect(page.get_by_role("link", name="2 added, 1 removed, 1 changed")).to_be_focused()
    page.keyboard.press("Enter")
    dialog.get_by_role("link", name="analytics/orders_cleaned").click()

    expect(page.get_by_role("heading", name="Change history")).to_be_visible()
    expect(page.locator("#d5")).to_contain_text("v3 → v4")
    expect(page.locator("#d5")).to_be_in_viewport()
    assert complaints == []


def test_sees_the_assets_of_a_deploy_appear_and_filters_them_in_place(live_server: Any, browser_page: Page):
    location = factories.make_location()
    factories.deploy(location, scenes.files(1))
    second = factories.deploy(location, scenes.files(2))
    factories.make_member(Role.VIEWER, location.deployment)
    page = browser_page

    page.goto(f"{live_server.url}{location.get_absolute_url()}deploys/2/")
    page.get_by_label("User name or e-mail").fill("viewer")
    page.get_by_label("Password").fill("secret")
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("#assets")).to_contain_text("is being written down")
    record(second, define(asset("orders", tags={"tier": "gold"}), asset("customers")))
    expect(page.locator("#assets details")).to_have_count(2)
    page.get_by_label("A part of the key").fill("cust")
    page.get_by_role("button", name="Find").click()
    expect(page.locator("#assets details")).to_have_count(1)
    expect(page.locator("#assets")).to_contain_text("customers")
    page.get_by_role("link", name="Added").click()

    expect(page.get_by_role("link", name="Added")).to_have_attribute("aria-current", "true")
    expect(page.locator("h1")).to_contain_text("#2 Succeeded")
    assert page.evaluate("performance.getEntriesByType('navigation').length") == 1


def test_a6_rolls_back_by_the_deploy_button_of_a_row_with_description_and_confirmation(
    broker: str, live_server: Any, browser_page: Page, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Any
):
    # What the worker unseals was sealed here.
    monkeypatch.setenv("LASTGOOD_ENCRYPTION_KEYS", ",".join(settings.LASTGOOD_ENCRYPTION_KEYS))
    location = shipping.make_airflow()
    shipping.history_of_airflow(location)
    factories.make_member(Role.EDITOR, location.deployment)
    complaints: list[str] = []
    page = browser_page
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))

    page.goto(live_server.url + location.deployment.get_absolute_url())
    page.get_by_label("User name or e-mail").fill("editor")
    page.get_by_label("Password").fill("secret")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("columnheader", name="Rollback to")).to_be_visible()
    page.get_by_role("link", name="Deploy #1", exact=True).click()
    dialog = page.get_by_role("dialog")
    # What stands in the way is read first: the focus does not jump over it.
    expect(dialog.get_by_role("heading", name="Roll back warehouse to #1")).to_be_focused()
    dialog.get_by_label("Why?").fill("The forecast is wrong")
    dialog.get_by_role("link", name="Code only").click()
    expect(dialog.get_by_role("link", name="Code only")).to_have_attribute("aria-current", "true")
    expect(dialog.get_by_role("link", name="Code only")).to_be_focused()
    expect(dialog.get_by_label("Why?")).to_have_value("The forecast is wrong")
    expect(dialog).to_contain_text("What becomes of the assets is not known")
    # Without having read the warnings there is no going on.
    dialog.get_by_role("button", name="Roll back to #1").click()
    expect(dialog).to_be_visible()
    for box in dialog.get_by_role("checkbox").all():
        box.check()
    dialog.get_by_role("button", name="Roll back to #1").click()
    expect(page.locator("h1")).to_contain_text("#5 Queued")
    with running_worker(broker, tmp_path / "worker.log"):
        expect(page.locator("h1")).to_contain_text("#5 Succeeded", timeout=PATIENCE)

    expect(page.locator("#live")).to_contain_text("code only, composed of #1 and #4")
    made = location.deploys.get(number=5)
    assert (made.status, made.description, made.scope) == (DeployStatus.SUCCEEDED, "The forecast is wrong", "code")
    assert made.acknowledged == ["engine_downgrade", "runtime_downgrade"]
    assert factories.fresh(location).live_deploy == made
    assert complaints == []


def test_rolls_back_without_any_script(live_server: Any, browser_page: Page):
    location = shipping.make_airflow()
    shipping.history_of_airflow(location)
    factories.make_member(Role.EDITOR, location.deployment)
    browser = browser_page.context.browser
    assert browser is not None
    page = browser.new_context(java_script_enabled=False).new_page()
    page.set_default_timeout(PATIENCE)

    page.goto(live_server.url + location.get_absolute_url())
    page.get_by_label("User name or e-mail").fill("editor")
    page.get_by_label("Password").fill("secret")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("link", name="Deploy #1", exact=True).click()
    page.get_by_role("link", name="Settings only").click()
    expect(page.get_by_role("link", name="What becomes of the assets")).to_have_count(0)
    expect(page.get_by_role("checkbox")).to_have_count(0)
    page.get_by_label("Why?").fill("The old workers")
    page.get_by_role("button", name="Roll back to #1").click()

    expect(page.locator("h1")).to_contain_text("#5 Queued")
    assert location.deploys.get(number=5).scope == "settings"


def test_sees_in_the_dialog_what_becomes_of_the_assets(live_server: Any, browser_page: Page):
    location = factories.make_location()
    record(factories.deploy(location, scenes.files(1)), define(asset("orders", code_version="1"), asset("legacy")))
    record(factories.deploy(location, scenes.files(2)), define(asset("orders", code_version="2")))
    factories.make_member(Role.EDITOR, location.deployment)
    page = browser_page

    page.goto(live_server.url + location.get_absolute_url())
    page.get_by_label("User name or e-mail").fill("editor")
    page.get_by_label("Password").fill("secret")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("link", name="Deploy #1", exact=True).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("1 added").click()

    expect(dialog.locator(".plan-assets li")).to_have_count(2)
    expect(dialog.locator(".plan-assets")).to_contain_text("legacy")
    expect(dialog.locator(".plan-assets")).to_contain_text("Code version")


def test_opens_the_account_menu_on_a_phone_within_its_width(live_server: Any, browser_page: Page):
    factories.make_member(Role.VIEWER, factories.make_location().deployment)
    page = browser_page
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(live_server.url)
    page.get_by_label("User name or e-mail").fill("viewer")
    page.get_by_label("Password").fill("secret")
    page.get_by_role("button", name="Sign in").click()

    page.locator(".who summary").click()

    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    box = page.locator(".who .menu-box").bounding_box()
    assert box is not None
    assert (box["x"] >= 0, box["x"] + box["width"] <= 390) == (True, True)
