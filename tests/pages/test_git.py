"""The page of a code location's repository …"""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from deployments import sourcing
from deployments.access import Role
from deployments.models import CodeLocation, GitSource
from tests import factories
from tests.pages.conftest import signed_in
from tests.pages.test_history import words
from tests.pages.test_markup import Reader

pytestmark = pytest.mark.django_db
URL = "https://localhost/acme/shop.git"
COMMIT = "9c1e07d45ab2f3386c0d5e4f1a2b3c4d5e6f7a8b"
FORM = {"url": URL, "branch": "main", "folder": "dags", "mount": "dags", "poll_seconds": 60}
KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\r\nhunter2\r\n-----END OPENSSH PRIVATE KEY-----\r\n"


@pytest.fixture
def page(here: str) -> str:
    """Answer the page's address."""
    return f"{here}git/"


@pytest.fixture
def admin(location: CodeLocation) -> Client:
    """Answer the browser of somebody who configures the deployment."""
    return signed_in(factories.make_member(Role.ADMIN, location.deployment))


@pytest.fixture
def deployer(location: CodeLocation) -> Client:
    """Answer the browser of somebody who may deploy, and no more."""
    return signed_in(factories.make_member(Role.DEPLOYER, location.deployment))


@pytest.fixture
def source(location: CodeLocation) -> GitSource:
    """Answer a source from which #2 was fetched a minute ago."""
    now = timezone.now()
    return GitSource.objects.create(
        code_location=location,
        url="https://github.com/acme/shop.git",
        folder="airflow/dags",
        token="hunter2",
        hook_secret="hunter3",
        set_by_name="maria",
        asked_at=now - timedelta(minutes=1),
        due_at=now + timedelta(seconds=40),
        fetched_commit=COMMIT,
        last_deploy=location.live_deploy,
    )


def change(source: GitSource, **fields: Any) -> None:
    GitSource.objects.filter(pk=source.pk).update(**fields)


def plain(browser: Client, address: str) -> str:
    """Answer what somebody reads."""
    return re.sub(r" ([,.])", r"\1", " ".join(re.sub(r"<[^>]+>", " ", words(browser, address)).split()))


def test_is_a_tab_beside_the_others(viewer: Client, here: str, page: str):
    assert f'<a href="{page}">Git</a>' in words(viewer, here)
    assert 'aria-current="page">Git</a>' in words(viewer, page)


def test_says_what_was_fetched_and_when_it_is_asked_again(source: GitSource, viewer: Client, here: str, page: str):
    text, markup = plain(viewer, page), words(viewer, page)

    assert "Repository Up to date" in text
    assert "https://github.com/acme/shop.git branch main folder airflow/dags to dags" in text
    assert f'href="https://github.com/acme/shop/commit/{COMMIT}"' in markup
    assert "9c1e07d45ab2 deployed as #2 Succeeded" in text
    assert "Asked 1 min ago" in text
    assert re.search(r"Asked again In \d\d s every 60 s", text)
    assert "Set by maria" in text


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"paused": True}, ["Paused", "Not while it is paused"]),
        ({"fetched_commit": "", "asked_at": None, "last_deploy": None}, ["Not fetched yet", "Never yet", "None yet"]),
        ({"due_at": None, "poll_seconds": 0}, ["When its webhook tells of a push"]),
        (
            {"failures": 3, "error": {"code": "unreachable", "detail": "github.com does not answer."}},
            ["Cannot be fetched", "github.com does not answer.", "unreachable", "3 times in a row"],
        ),
        (
            {"error": {"code": "empty_folder", "detail": "There is no airflow/dags."}},
            ["Newest commit refused", "There is no airflow/dags.", "left alone", "refused the last deploy was #2"],
        ),
        (
            {"error": {"code": "outdated", "detail": "abc was announced."}, "wanted_commit": "abcdef0123456789"},
            ["Announced commit is outdated", "abc was announced.", "announced: abcdef012345"],
        ),
        (
            {"lease_expires_at": timezone.now() + timedelta(days=30), "due_at": None},
            ["Being fetched", "Once this is done"],
        ),
        ({"due_at": timezone.now() + timedelta(days=4000)}, ["min"]),
    ],
)
def test_says_in_plain_words_how_it_stands(
    fields: dict[str, Any], expected: list[str], source: GitSource, viewer: Client, page: str
):
    change(source, **fields)

    text = plain(viewer, page)

    assert [word for word in expected if word not in text] == []


def test_renews_the_status_alone_and_only_when_it_moved(source: GitSource, viewer: Client, page: str):
    poll = re.search(r'hx-get="([^"]+)"', words(viewer, page))
    assert poll is not None

    still = viewer.get(poll[1], headers={"HX-Request": "true"})
    change(source, failures=1, error={"code": "timeout", "detail": "It took too long."})
    moved = viewer.get(poll[1], headers={"HX-Request": "true"})

    assert (still.status_code, moved.status_code) == (204, 200)
    assert "It took too long." in moved.content.decode()
    assert "<html" not in moved.content.decode()
    assert 'name="url"' not in moved.content.decode()


def test_shows_to_those_who_look_neither_form_nor_webhook(
    source: GitSource, viewer: Client, deployer: Client, page: str
):
    for browser in (viewer, deployer):
        markup = words(browser, page)
        assert "<textarea" not in markup
        assert sourcing.address_of(source) not in markup
        assert "git/remove/" not in markup
    assert "Fetch now" in words(deployer, page)
    assert "Fetch now" not in words(viewer, page)


def test_says_what_could_be_where_there_is_none(viewer: Client, admin: Client, page: str):
    assert "No repository is connected" in words(viewer, page)
    assert "Fetch the code from Git" in words(admin, page)
    assert 'value="main"' in words(admin, page)


def test_is_set_up_and_tells_the_webhooks_secret_once(location: CodeLocation, admin: Client, page: str):
    answer = admin.post(f"{page}change/", FORM | {"token": "hunter2"})

    made = GitSource.objects.get()
    told = answer.content.decode()
    assert answer.status_code == 201
    assert made.hook_secret
    assert f'<code id="hook-secret" class="wrap">{made.hook_secret}</code>' in told
    assert "no-store" in answer["Cache-Control"]
    assert (made.url, made.folder, made.token, made.set_by_name) == (URL, "dags", "hunter2", "admin")
    assert "hunter2" not in told
    later = words(admin, page)
    assert made.hook_secret not in later
    assert sourcing.address_of(made) in later
    assert "Payload URL" in later
    assert "Secret token" in later


def test_keeps_secrets_unless_others_are_typed_or_they_are_removed(source: GitSource, admin: Client, page: str):
    change(source, url=URL)
    form = FORM | {"poll_seconds": 90}

    kept = (admin.post(f"{page}change/", form).status_code, GitSource.objects.get().token)
    new = (admin.post(f"{page}change/", form | {"token": "t0k3n"}).status_code, GitSource.objects.get().token)
    gone = (admin.post(f"{page}change/", form | {"remove_token": "on"}).status_code, GitSource.objects.get().token)

    assert kept == (302, "hunter2")
    assert new == (302, "t0k3n")
    assert gone == (302, "")
    assert GitSource.objects.get().hook_secret == "hunter3"


def test_takes_a_deploy_key_with_the_line_ends_that_keys_have(admin: Client, page: str):
    form = FORM | {"url": "git@localhost:acme/shop.git", "deploy_key": KEY, "known_hosts": "localhost ssh-ed25519 AAAA"}

    told = admin.post(f"{page}change/", form).content.decode()

    made = GitSource.objects.get()
    assert made.deploy_key == KEY.replace("\r\n", "\n").strip()
    assert "hunter2" not in told + words(admin, page)
    assert "localhost ssh-ed25519 AAAA</textarea>" in words(admin, page)


@pytest.mark.parametrize(
    "sent",
    [
        {"url": "https://me:hunter9@localhost/x.git"},
        {"url": "https://elsewhere.example/x.git"},
        {"branch": "-x"},
        {"folder": "../up"},
        {"poll_seconds": -1},
        {"poll_seconds": "often"},
        {"url": ""},
        {"deploy_key": "hunter9"},
    ],
)
def test_says_what_is_wrong_and_keeps_what_was_typed_but_no_secret(
    sent: dict[str, Any], source: GitSource, admin: Client, page: str
):
    before = GitSource.objects.values().get()

    answer = admin.post(f"{page}change/", FORM | {"token": "hunter8", "folder": "typed/folder"} | sent)

    told = answer.content.decode()
    assert answer.status_code == 400
    assert 'role="alert"' in told
    assert sent.get("folder", "typed/folder") in told
    assert not re.search("hunter[0-9]", told)
    assert GitSource.objects.values().get() == before


def test_makes_a_new_secret_and_keeps_all_else(source: GitSource, admin: Client, page: str):
    change(source, url=URL, paused=True)

    told = admin.post(f"{page}secret/").content.decode()

    made = GitSource.objects.get()
    assert made.hook_secret not in {"hunter3", ""}
    assert f">{made.hook_secret}</code>" in told
    assert (made.url, made.token, made.folder, made.paused) == (URL, "hunter2", "airflow/dags", True)
    assert made.fetched_commit == COMMIT


def test_fetches_now_pauses_goes_on_and_is_removed(source: GitSource, deployer: Client, admin: Client, page: str):
    change(source, due_at=timezone.now() + timedelta(hours=1))

    asked = plain_after(deployer, f"{page}fetch/")
    due = GitSource.objects.get().due_at
    paused = plain_after(admin, f"{page}pause/", paused="on")
    refused = deployer.post(f"{page}fetch/")
    again = plain_after(admin, f"{page}pause/", paused="off")
    removed = plain_after(admin, f"{page}remove/")

    assert "main is being looked at" in asked
    assert due is not None
    assert due <= timezone.now()
    assert "Repository Paused" in paused
    assert "Fetch now" not in paused
    assert refused.status_code == 409
    assert "is paused" in refused.content.decode()
    assert "Repository Up to date" in again
    assert "is fetched from nowhere any more" in removed
    assert not GitSource.objects.exists()


def plain_after(browser: Client, address: str, **sent: str) -> str:
    """Press a button, and answer the page that it leads to as somebody reads it."""
    answer = browser.post(address, sent, follow=True)
    assert answer.status_code == 200
    return " ".join(re.sub(r"<[^>]+>", " ", answer.content.decode()).split())


@pytest.mark.parametrize("verb", ["fetch", "pause", "secret", "remove"])
def test_knows_no_verb_where_there_is_none(verb: str, admin: Client, page: str):
    assert admin.post(f"{page}{verb}/", {"paused": "on"}).status_code == 404


def test_is_built_as_every_page_is(source: GitSource, admin: Client, viewer: Client, page: str):
    for browser in (admin, viewer):
        reader = Reader()
        reader.feed(browser.get(page).content.decode())
        reader.close()

        assert (reader.inline, reader.foreign, reader.unlabelled) == ([], [], [])
        assert len(reader.ids) == len(set(reader.ids))
