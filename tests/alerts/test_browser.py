"""In a real browser somebody adds a channel, tries it, changes it, and removes it."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from deployments.access import Role
from deployments.models import AlertChannel
from tests import factories
from tests.alerts.sinks import HttpSink
from tests.pages.test_browser import browser_page

__all__ = ["browser_page"]
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_adds_a_channel_tries_it_changes_it_and_removes_it(live_server: Any, browser_page: Page, sink: HttpSink):
    location = factories.make_location()
    factories.make_member(Role.ADMIN, location.deployment)
    complaints: list[str] = []
    page = browser_page
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(live_server.url + location.get_absolute_url())
    page.get_by_label("User name or e-mail").fill("admin")
    page.get_by_label("Password").fill("secret")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("link", name="Alerts").click()
    expect(page.get_by_text("Nobody is told yet.")).to_be_visible()

    page.get_by_role("link", name="Add a channel").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("Name")).to_be_focused()
    page.keyboard.type("on-call")
    dialog.get_by_label("How people are told").select_option("webhook")
    dialog.get_by_label("Address").fill(f"{sink.url}/hook")
    dialog.get_by_label("Rollback started").uncheck()
    dialog.get_by_role("button", name="Add").click()
    row = page.locator("table.channels tbody tr")
    expect(row).to_contain_text("on-call")
    expect(row).to_contain_text("Not used yet")
    expect(row).not_to_contain_text("Rollback started")

    sink.status = 500
    page.get_by_role("button", name="Send a test to on-call").click()
    expect(page.get_by_role("alert")).to_contain_text("The test did not arrive. The webhook answered 500.")
    expect(row).to_contain_text("Not delivered since")
    sink.status = 200
    page.get_by_role("button", name="Send a test to on-call").click()
    expect(row).to_contain_text("Works")
    assert len(sink.posted) == 2

    page.get_by_role("link", name="Change on-call").click()
    dialog.get_by_label("Switched on").uncheck()
    dialog.get_by_label("Name").press("Enter")  # saves, and does not remove
    expect(row).to_contain_text("Switched off")
    assert AlertChannel.objects.get().address == f"{sink.url}/hook", "It was not given again, and stays."
    page.get_by_role("link", name="Change on-call").click()
    dialog.get_by_role("button", name="Remove it").click()
    expect(page.get_by_text("“on-call” is removed.")).to_be_visible()
    assert not AlertChannel.objects.exists()
    assert complaints == []
