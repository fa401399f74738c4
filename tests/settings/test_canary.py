"""A secret setting, wherever one is taken, is told by nobody: …"""

import logging
from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from django.contrib import admin
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.urls import reverse

from deployments.execution.placing import planned
from deployments.models import CodeLocation, Deploy
from tests.api.asking import BASE, LOCATION, PLACE, Api
from tests.factories import carry_out, deploy, noon, roll_back, superuser
from tests.operations.asking import ONE, hold, push_parts, resume, retry, settle
from tests.settings.acting import secret, set_up
from tests.settings.commands import command

pytestmark = [pytest.mark.django_db]

CANARY = "c4n4ry-1n-the-m1ne"
SITE = "/deployments/acme/production"
PAGES = ["/", f"{SITE}/", f"{SITE}/shop/", f"{SITE}/-/connection/", "/readyz", "/metrics"]
PLANS = [f"{SITE}/shop/rollback/?to=1&scope={scope}" for scope in ("all", "code", "settings")]
LISTS = [PLACE, f"{PLACE}/agents", LOCATION, f"{LOCATION}/deploys", f"{LOCATION}/loads", f"{BASE}/schema"]
Told = Callable[[], str]


@pytest.fixture
def told(location: CodeLocation, caplog: pytest.LogCaptureFixture) -> Told:
    """Answer what answers all that anybody may read: answers, pages, admin, logs, the database."""
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.INFO, logger="django.template")
    api, browser = Api(superuser()), Client()
    browser.force_login(superuser())

    def tell() -> str:
        answers = [api.get(f"{path}/") for path in LISTS] + [browser.get(path) for path in [*PAGES, *PLANS, *_admin()]]
        for number in Deploy.objects.values_list("number", flat=True):
            answers += [api.get(f"deploys/{number}/{rest}") for rest in ("", "events/", "asset-changes/")]
            answers.append(api.get(f"compare/?from=1&to={number}"))
            answers += [api.post("rollback-plans/", {"to": number, "scope": scope}) for scope in ("all", "settings")]
            answers.append(browser.get(f"{SITE}/shop/deploys/{number}/"))
        assert {answer.status_code for answer in answers} <= {200, 403, 404, 409}
        bodies = [b"".join(answer) if answer.streaming else answer.content for answer in answers]
        return "\n".join([*(body.decode() for body in bodies), caplog.text, _purge(), _database()])

    return tell


def _admin() -> list[str]:
    urls = [reverse("admin:index")]
    for model in admin.site._registry:
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        urls.append(reverse(f"{name}_changelist"))
        rows = model._default_manager.order_by("-pk")[:10] if model in (Deploy,) else model._default_manager.all()[:3]
        urls += [reverse(f"{name}_change", args=[row.pk]) for row in rows]
    return urls


def _purge() -> str:
    out = StringIO()
    call_command("purge", "--dry-run", stdout=out, stderr=out)
    return out.getvalue()


def _database() -> str:
    with connection.cursor() as cursor:
        found = []
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            found.append(f"{table}: {cursor.fetchall()!r}")
    return "\n".join(found)


def settings_of(value: str) -> dict[str, Any]:
    """Answer settings with this secret."""
    return {"env": {"PASSWORD": secret(value), "REGION": "eu"}}


def test_not_where_it_was_pushed_changed_rolled_back_and_removed(location, editor, told: Told):
    deploy(location, ONE)
    for value in (CANARY, f"{CANARY}-2"):
        made = editor.post("deploys/", {"settings": settings_of(value), "description": "Rotate"})
        assert made.status_code == 202
        carry_out(Deploy.objects.order_by("-pk")[0])
    set_up(location, env={"PASSWORD": None})
    roll_back(location, 2)

    everything = told()

    assert "eu" in everything
    assert "PASSWORD" in everything
    assert CANARY not in everything


def test_not_where_it_is_held_superseded_carried_refused_and_tried_again(location, editor, told: Told, tmp_path):
    deploy(location, ONE)
    command(location, tmp_path, '. "$LASTGOOD_SETTINGS/env"; echo "$PASSWORD"; exit 1')
    failed = set_up(location, **settings_of(CANARY))
    assert retry(failed).parts == failed.parts
    hold(location)
    editor.post("deploys/", {"settings": settings_of(f"{CANARY}-held")})
    push_parts(location, bundles={"dags": {"b.py": b""}})
    resume(location)
    carried = Deploy.objects.order_by("-pk")[0]
    assert "settings:env/PASSWORD" in carried.carried
    refused = editor.post("deploys/", {"settings": {"env": {"PASSWORD": {"value": CANARY, "secret": "?"}}}})
    assert refused.status_code == 400

    everything = told() + refused.content.decode()

    assert "•••" in everything
    assert CANARY not in everything


def test_not_in_what_is_kept_to_answer_a_retry(editor, told: Told):
    body = {"settings": settings_of(CANARY)}

    first, again = (editor.post("deploys/", body, key="k1") for _ in range(2))
    other = editor.post("deploys/", {"settings": settings_of(f"{CANARY}-2")}, key="k1")

    assert (first.status_code, again.json(), other.status_code) == (202, first.json(), 409)
    assert other.json()["code"] == "idempotency_mismatch"
    assert CANARY not in told() + first.content.decode() + again.content.decode() + other.content.decode()


def test_not_when_it_cannot_be_read_or_put(location, told: Told, settings, tmp_path):
    set_up(location, **settings_of(CANARY))
    settings.LASTGOOD_ENCRYPTION_KEYS = ["another"]
    unreadable = set_up(location, env={"REGION": "us"})
    (tmp_path / "file").write_text("")
    settings.LASTGOOD_TARGET_ROOT = tmp_path / "file"
    unplaceable = set_up(location, **settings_of(f"{CANARY}-2"))
    settle(location)

    assert [unreadable.status, unplaceable.status] == ["FAILED", "FAILED"]
    assert CANARY not in told()


def test_not_where_a_platform_is_connected_with_it(location, told: Told):
    api = Api(superuser())
    said = {"platform": "airflow", "platform_url": "http://localhost:9", "platform_user": "lastgood"}

    answer = api.ask("PATCH", f"{PLACE}/", said | {"platform_password": CANARY, "dag_bundle": "ours"})
    tested = api.post(f"{PLACE}/connection-test/")
    too_long = api.ask("PATCH", f"{PLACE}/", {"platform_password": CANARY * 400})

    location.deployment.refresh_from_db()
    assert answer.status_code == 200
    assert location.deployment.platform_password == CANARY
    assert (answer.json()["platform_user"], answer.json()["dag_bundle"]) == ("lastgood", "ours")
    assert too_long.status_code == 400
    spoken = answer.content + tested.content + too_long.content
    assert CANARY not in told() + spoken.decode()


def test_not_in_an_order_to_a_receiver(location, told: Told):
    """A receiver cannot put settings: it is not told any."""
    location.deployment.target = "webhook"
    location.deployment.save()
    made = set_up(location, parts={"image": "registry.example/shop:2"}, **settings_of(CANARY))
    made = Deploy.objects.with_places().get(pk=made.pk)
    assert made.release is not None

    plan = planned(made, made.release, fence=1, now=noon())

    assert plan.order["image"] == "registry.example/shop:2"
    assert not plan.private
    assert CANARY not in repr(plan.order) + told()
