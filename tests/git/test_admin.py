"""In the admin, a Git source …"""

from typing import Any

import pytest
from django.test import Client

from deployments.access import Role
from deployments.models import GitSource, HookDelivery
from tests.factories import make_deployment, make_location, make_member, make_organization
from tests.git.acting import github, push_event

pytestmark = pytest.mark.django_db

LIST = "/admin/deployments/gitsource/"
CANARY = "c4n4ry-0f-the-m1ne"
KEY = f"-----BEGIN OPENSSH PRIVATE KEY-----\r\n{CANARY}\r\n-----END OPENSSH PRIVATE KEY-----"
ASKED = {"url": "https://localhost/acme/shop.git", "branch": "main", "folder": "dags", "mount": "dags"}
ASKED |= {"known_hosts": "localhost ssh-ed25519 AAAA", "poll_seconds": "60"}


@pytest.fixture
def browser(shop) -> Client:
    """Answer a browser in which one of the deployment's admins is signed in."""
    client = Client()
    client.force_login(make_member(Role.ADMIN, shop.deployment), backend="django.contrib.auth.backends.ModelBackend")
    return client


def page(source: GitSource) -> str:
    return f"{LIST}{source.pk}/change/"


def add(browser: Client, shop: Any, **said: str) -> Any:
    return browser.post(f"{LIST}add/", ASKED | {"code_location": shop.pk} | said)


def test_is_set_up_and_its_hooks_secret_is_shown_once(browser: Client, shop):
    made = add(browser, shop, token=CANARY)

    source = GitSource.objects.get()
    assert (made.status_code, source.token, source.set_by_name) == (200, CANARY, "admin")
    assert source.hook_secret in made.text
    assert source.hook in made.text
    assert CANARY not in made.text
    shown = browser.get(page(source)).text + browser.get(LIST).text
    assert source.hook_secret not in shown
    assert CANARY not in shown
    assert source.hook in shown


def test_keeps_the_secrets_that_were_left_empty_and_takes_away_those_that_are_said_to_go(browser: Client, shop):
    add(browser, shop, token=CANARY)
    source = GitSource.objects.get()

    assert browser.post(page(source), ASKED | {"branch": "next"}).status_code == 302
    kept = GitSource.objects.get()
    assert (kept.token, kept.branch, kept.hook_secret) == (CANARY, "next", source.hook_secret)
    assert browser.post(page(source), ASKED | {"token": "-"}).status_code == 302
    assert GitSource.objects.get().token == ""


def test_gets_a_new_hook_secret_when_that_is_asked_for(browser: Client, shop):
    add(browser, shop)
    old = GitSource.objects.get()

    answer = browser.post(page(old), ASKED | {"rotate_hook_secret": "on"})

    new = GitSource.objects.get()
    assert new.hook_secret != old.hook_secret
    assert new.hook_secret in answer.text


def test_shows_what_is_refused_and_repeats_no_key(browser: Client, shop):
    refused = add(browser, shop, url="git@elsewhere.example:x.git", deploy_key=KEY)

    assert "LASTGOOD_GIT_HOSTS" in refused.text
    assert CANARY not in refused.text
    assert not GitSource.objects.exists()
    assert "hook-secret" in add(browser, shop, url="git@localhost:x.git", deploy_key=KEY).text
    assert GitSource.objects.get().deploy_key.count("\n") == 2


def test_is_not_for_other_peoples_code_locations(browser: Client, shop):
    foreign = make_location(make_deployment(make_organization("globex")))

    assert add(browser, foreign).status_code == 200
    assert not GitSource.objects.exists()


def test_shows_a_viewer_neither_hook_nor_fields_for_secrets(browser: Client, shop):
    add(browser, shop)
    source = GitSource.objects.get()
    viewer = Client()
    viewer.force_login(make_member(Role.VIEWER, shop.deployment), backend="django.contrib.auth.backends.ModelBackend")

    shown = viewer.get(page(source)).text

    assert source.url in shown
    assert source.hook not in shown
    assert 'name="token"' not in shown
    assert viewer.post(page(source), ASKED).status_code == 403


def test_is_removed_with_its_deliveries(browser: Client, shop):
    add(browser, shop)
    source = GitSource.objects.get()
    github(source, push_event("a" * 40))
    delivery = HookDelivery.objects.first()
    assert "a" * 40 in browser.get(f"/admin/deployments/hookdelivery/{delivery.pk}/change/").text

    assert browser.post(f"{LIST}{source.pk}/delete/", {"post": "yes"}).status_code == 302

    assert not HookDelivery.objects.exists()
