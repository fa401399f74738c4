"""In a real browser, somebody who looks at a deploy …"""

from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from deployments.access import Role
from tests import factories
from tests.pages import scenes
from tests.pages.test_browser import browser_page  # noqa: F401  # a fixture
from tests.workers import running_worker

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PATIENCE = 60_000  # milliseconds: a bound for machines under load, not a measure


def sign_in(page: Page, name: str) -> None:
    page.get_by_label("User name or e-mail").fill(name)
    page.get_by_label("Password").fill("secret")
    page.get_by_role("button", name="Sign in").click()


def test_sees_the_log_grow_while_it_reads_and_stop(
    broker: str,
    live_server: Any,
    browser_page: Page,  # noqa: F811
    tmp_path: Path,
):
    location = factories.make_location()
    factories.deploy(location, scenes.files(1))
    factories.push(location, scenes.files(2), description="Second")
    factories.make_member(Role.EDITOR, location.deployment)
    complaints: list[str] = []
    page = browser_page
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))

    page.goto(f"{live_server.url}{location.get_absolute_url()}deploys/2/")
    sign_in(page, "editor")
    expect(page.locator("#follow-sign")).to_have_text("following")
    page.get_by_text("Edit the description").click()
    page.get_by_label("What this deploy is, and why").fill("Half a sentence")
    page.evaluate("document.querySelector('#log-lines li').dataset.kept = 'yes'")
    with running_worker(broker, tmp_path / "worker.log"):
        expect(page.locator("#log-lines")).to_contain_text("In place as", timeout=PATIENCE)
        expect(page.locator("h1")).to_contain_text("#2 Succeeded", timeout=PATIENCE)

    # What was there before is the same still: no line was drawn anew, and nothing that was typed is lost.
    expect(page.locator("#log-lines li").first).to_have_attribute("data-kept", "yes")
    expect(page.get_by_label("What this deploy is, and why")).to_have_value("Half a sentence")
    expect(page.locator("#follow-sign")).to_have_text("ended")
    expect(page.locator("#following")).not_to_have_attribute("hx-get", "")
    expect(page.locator(".stations .done")).to_have_count(4)
    assert page.evaluate("performance.getEntriesByType('navigation').length") == 1
    seqs = page.evaluate("[...document.querySelectorAll('#log-lines li')].map((line) => Number(line.id.slice(5)))")
    assert seqs == list(range(1, len(seqs) + 1))
    assert complaints == []


def test_goes_from_the_deploy_through_its_folders_to_what_changed_in_a_file(live_server: Any, browser_page: Page):  # noqa: F811
    location = factories.make_location()
    factories.deploy(location, scenes.files(1) | {"a b/<img src=x>/c&d.py": b"1\n"})
    factories.deploy(location, scenes.files(2) | {"a b/<img src=x>/c&d.py": b"2\n"})
    factories.make_member(Role.VIEWER, location.deployment)
    complaints: list[str] = []
    page = browser_page
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)

    page.goto(f"{live_server.url}{location.get_absolute_url()}deploys/2/")
    sign_in(page, "viewer")
    page.get_by_role("link", name="dags", exact=True).click()
    page.get_by_text("a b", exact=True).click()
    page.get_by_text("<img src=x>", exact=True).click()
    page.get_by_role("link", name="c&d.py", exact=True).click()
    expect(page.locator("#L1")).to_contain_text("2")
    page.get_by_role("link", name="1", exact=True).click()
    assert page.url.endswith("#L1")
    page.get_by_role("link", name="What changed").click()

    expect(page.locator("table.diff .gone code")).to_have_text("1")
    expect(page.locator("table.diff .new code")).to_have_text("2")
    page.get_by_role("navigation", name="Folders").get_by_role("link", name="a b").click()
    expect(page.locator(".tree")).to_contain_text("<img src=x>")
    assert complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_finds_nothing_in_the_way_of_anybody(scheme: Any, live_server: Any, browser_page: Page):  # noqa: F811
    location = scenes.with_assets(scenes.long_history(factories.make_organization()))
    factories.make_member(Role.EDITOR, location.deployment)
    here = f"{live_server.url}{location.get_absolute_url()}deploys/"
    browser_page.emulate_media(color_scheme=scheme)
    browser_page.goto(f"{here}6/")
    sign_in(browser_page, "editor")

    file = "?mount=dags&path=shop/orders.py"
    for page in (
        "1/",
        "5/",
        "6/",
        "7/",
        "9/",
        "6/files/?mount=dags",
        f"6/file/{file}",
        f"6/file/diff/{file}",
        "6/files/",
    ):
        browser_page.goto(f"{here}{page}")
        found = Axe().run(browser_page)
        assert found.violations_count == 0, (page, found.generate_report())
