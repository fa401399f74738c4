"""Setting a Git source up …"""

import logging
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from deployments import operations, sourcing
from deployments.access import Role
from deployments.models import GitSource, HookDelivery
from deployments.operations import GitSettings
from deployments.states import TargetKind
from portal.common.problems import Absent, Invalid, NotAllowed, Refusal
from tests.factories import make_member, superuser
from tests.git.acting import fresh, github, push_event
from tests.matrix.scene import bearer, send
from tests.matrix.test_canaries import database

pytestmark = pytest.mark.django_db

URL = "/api/v1/organizations/acme/deployments/production/code-locations/shop/git-source/"
HTTPS, SSH = "https://localhost/acme/shop.git", "git@localhost:acme/shop.git"
CANARY = "c4n4ry-0f-the-m1ne"
KEY = f"-----BEGIN OPENSSH PRIVATE KEY-----\n{CANARY}\n-----END OPENSSH PRIVATE KEY-----\n"
HOSTS = "localhost ssh-ed25519 AAAA"


def put(body: dict[str, Any], user: Any = None) -> Any:
    return send(Client(), "PUT", URL, body, bearer(user or superuser()))


def set_source(shop: Any, **said: Any) -> operations.git_sources.SetSource:
    settings = GitSettings(**{"url": HTTPS} | said)
    return operations.set_source(location=shop, settings=settings, actor=superuser(), now=timezone.now())


def test_answers_its_hook_and_the_hooks_secret_once(shop):
    made = put({"url": HTTPS, "folder": "/dags/", "token": CANARY})
    again = put({"url": HTTPS, "folder": "dags"})
    read = send(Client(), "GET", URL, headers=bearer(superuser()))

    assert (made.status_code, again.status_code, read.status_code) == (201, 200, 200)
    source = GitSource.objects.get()
    assert made.json()["hook_secret"] == source.hook_secret
    assert len(source.hook_secret) > 40
    assert made.json()["hook_url"] == sourcing.address_of(source) == read.json()["hook_url"]
    assert source.hook in made.json()["hook_url"]
    assert (again.json()["hook_secret"], read.json()["hook_secret"]) == (None, None)
    assert (made.json()["folder"], made.json()["has_token"], made.json()["set_by"]) == ("dags", True, "root")


def test_makes_a_new_secret_when_asked_and_the_old_one_opens_nothing(shop):
    old = set_source(shop).source
    renewed = put({"url": HTTPS, "rotate_hook_secret": True}).json()["hook_secret"]

    assert renewed not in (None, old.hook_secret)
    assert github(old, push_event("a" * 40)).status_code == 404
    assert github(fresh(old), push_event("a" * 40)).status_code == 202


def test_shows_the_hook_to_those_alone_who_may_configure(shop):
    set_source(shop)
    viewer, admin = (make_member(role, shop.deployment) for role in (Role.VIEWER, Role.ADMIN))

    shown = [send(Client(), "GET", URL, headers=bearer(user)).json()["hook_url"] for user in (viewer, admin)]

    assert shown == [None, sourcing.address_of(GitSource.objects.get())]


@pytest.mark.parametrize("role", [Role.VIEWER, Role.DEPLOYER, Role.EDITOR])
def test_is_for_those_who_may_configure_and_deploy(shop, role: Role):
    somebody = make_member(role, shop.deployment)

    with pytest.raises(NotAllowed):
        operations.set_source(location=shop, settings=GitSettings(HTTPS), actor=somebody, now=timezone.now())
    source = set_source(shop).source
    for refused in (
        lambda: operations.remove_source(source=source, actor=somebody),
        lambda: operations.pause_source(source=source, paused=True, actor=somebody, now=timezone.now()),
    ):
        with pytest.raises(NotAllowed):
            refused()
    assert GitSource.objects.filter(paused=False).exists()


def test_lets_those_look_now_who_may_deploy(shop):
    source = set_source(shop).source
    GitSource.objects.update(due_at=None)
    deployer, viewer = (make_member(role, shop.deployment) for role in (Role.DEPLOYER, Role.VIEWER))

    with pytest.raises(NotAllowed):
        operations.fetch_now(source=source, actor=viewer, now=timezone.now())
    operations.fetch_now(source=source, actor=deployer, now=timezone.now())

    assert sourcing.due_sources(now=timezone.now()) == [source.pk]


def test_keeps_token_and_key_that_are_not_named_and_takes_away_what_is_empty(shop):
    assert put({"url": HTTPS, "token": CANARY}).status_code == 201
    assert put({"url": "https://localhost/acme/other.git", "branch": "next"}).json()["has_token"]
    assert not put({"url": HTTPS, "token": ""}).json()["has_token"]
    assert put({"url": SSH, "deploy_key": KEY, "known_hosts": HOSTS}).json()["has_deploy_key"]
    assert put({"url": SSH, "known_hosts": HOSTS}).json()["has_deploy_key"]


@pytest.mark.parametrize("moved", ["https://127.0.0.1/acme/shop.git", "https://localhost:8443/acme/shop.git"])
def test_forgets_what_opens_one_server_when_it_leads_to_another(shop, moved: str):
    before = set_source(shop, token=CANARY).source

    answer = put({"url": moved})

    now = fresh(before)
    assert (now.token, answer.json()["has_token"]) == ("", False)
    assert now.hook_secret == answer.json()["hook_secret"] != before.hook_secret


def test_keeps_a_token_that_comes_with_the_new_server(shop):
    set_source(shop, token="old")

    assert put({"url": "https://127.0.0.1/x.git", "token": CANARY}).json()["has_token"]
    assert GitSource.objects.get().token == CANARY


def test_fetches_anew_what_is_another_thing_now(shop):
    source = set_source(shop).source
    GitSource.objects.update(fetched_commit="a" * 40, error={"code": "x", "detail": "X."}, failures=3)

    set_source(shop, token=CANARY)
    assert (fresh(source).fetched_commit, fresh(source).failures) == ("a" * 40, 0)
    set_source(shop, folder="other")
    assert (fresh(source).fetched_commit, fresh(source).error) == ("", None)


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"url": "https://elsewhere.example/x.git"}, "host_not_allowed"),
        ({"url": "git@elsewhere.example:x.git"}, "host_not_allowed"),
        ({"url": "https://169.254.169.254/x.git"}, "host_not_allowed"),
        ({"url": "http://localhost/x.git"}, "bad_git_url"),
        ({"url": "file:///srv/x.git"}, "bad_git_url"),
        ({"url": "/srv/x.git"}, "bad_git_url"),
        ({"url": "--upload-pack=id"}, "bad_git_url"),
        ({"url": f"https://user:{CANARY}@localhost/x.git"}, "bad_git_url"),
        ({"url": f"https://{CANARY}@localhost/x.git"}, "bad_git_url"),
        ({"branch": "--upload-pack=id"}, "bad_branch"),
        ({"branch": "a..b"}, "bad_branch"),
        ({"folder": "../other"}, "bad_folder"),
        ({"mount": "../x"}, "bad_mount"),
        ({"url": SSH}, "bad_deploy_key"),
        ({"url": SSH, "deploy_key": CANARY, "known_hosts": HOSTS}, "bad_deploy_key"),
        ({"url": SSH, "deploy_key": KEY}, "bad_known_hosts"),
        ({"url": SSH, "deploy_key": KEY, "known_hosts": HOSTS, "token": CANARY}, "bad_token"),
        ({"deploy_key": KEY}, "bad_deploy_key"),
        ({"token": f"a\nb{CANARY}"}, "bad_token"),
        ({"token": f"ü{CANARY}"}, "bad_token"),
        ({"poll_seconds": -1}, "invalid"),
        ({"poll_seconds": 86_401}, "invalid"),
        ({"token": CANARY * 200}, "invalid"),
    ],
)
def test_refuses_what_could_not_work_and_repeats_no_secret(shop, caplog, said: dict[str, Any], code: str):
    caplog.set_level(logging.DEBUG)
    answer = put({"url": HTTPS} | said)

    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert CANARY not in answer.content.decode()
    assert CANARY not in caplog.text
    assert not GitSource.objects.exists()


def test_refuses_it_where_the_target_puts_no_files(shop):
    shop.deployment.target = TargetKind.WEBHOOK
    shop.deployment.save()
    shop.refresh_from_db()

    with pytest.raises(Refusal, match="puts no files") as refused:
        set_source(shop)

    assert refused.value.code == "nothing_to_put"


def test_keeps_its_secrets_encrypted_and_tells_them_nobody(shop, caplog):
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.INFO, logger="django.template")
    made = put({"url": HTTPS, "token": CANARY})
    secret = made.json()["hook_secret"]
    source = GitSource.objects.get()
    github(source, push_event("a" * 40))
    browser = Client()
    browser.force_login(superuser())
    pages = [f"/admin/deployments/gitsource/{rest}" for rest in ("", f"{source.pk}/change/")]
    pages += [f"/admin/deployments/hookdelivery/{HookDelivery.objects.first().pk}/change/", URL]

    answers = [browser.get(page) for page in pages]
    put({"url": SSH, "deploy_key": KEY, "known_hosts": HOSTS})
    answers += [browser.get(page) for page in pages]

    assert {answer.status_code for answer in answers} == {200}
    everything = "".join(answer.content.decode() for answer in answers) + caplog.text + database()
    assert CANARY not in everything
    assert secret not in everything
    # Otherwise it would have been looked for in vain.
    assert CANARY in GitSource.objects.get().deploy_key


def test_that_is_paused_goes_on_where_it_stopped(shop):
    source = set_source(shop).source
    GitSource.objects.update(fetched_commit="a" * 40)
    root = superuser()

    operations.pause_source(source=source, paused=True, actor=root, now=timezone.now())
    with pytest.raises(Refusal) as refused:
        operations.fetch_now(source=source, actor=root, now=timezone.now())
    assert refused.value.code == "paused"
    assert sourcing.due_sources(now=timezone.now()) == []
    operations.pause_source(source=source, paused=False, actor=root, now=timezone.now())

    assert sourcing.due_sources(now=timezone.now()) == [source.pk]
    assert fresh(source).fetched_commit == "a" * 40


def test_that_was_removed_is_gone_with_its_hook(shop):
    source = set_source(shop).source
    github(source, push_event("a" * 40))

    assert send(Client(), "DELETE", URL, headers=bearer(superuser())).status_code == 204
    assert send(Client(), "GET", URL, headers=bearer(superuser())).status_code == 404
    assert github(source, push_event("b" * 40)).status_code == 404
    assert not HookDelivery.objects.exists()
    for gone in (
        lambda: operations.fetch_now(source=source, actor=superuser(), now=timezone.now()),
        lambda: operations.pause_source(source=source, paused=True, actor=superuser(), now=timezone.now()),
    ):
        with pytest.raises(Absent):
            gone()


def test_says_which_field_is_wrong(shop):
    with pytest.raises(Invalid) as refused:
        set_source(shop, branch="a..b")

    assert refused.value.errors == [{"field": "branch", "detail": "'a..b' is no name of a branch."}]
