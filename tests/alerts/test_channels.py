"""Channels are made, changed, tried and removed: by the API, the pages and the admin, and no address is ever answered."""

import logging
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from deployments import operations
from deployments.access import Role
from deployments.models import AlertChannel, CodeLocation, Notification
from portal.common.problems import Absent, Invalid, NotAllowed, Refusal
from tests.alerts.acting import Clock, load, send
from tests.alerts.sinks import HttpSink, SmtpSink, free_port
from tests.api.asking import PLACE, Api
from tests.factories import make_location, make_member, make_organization, superuser
from tests.matrix.test_canaries import database
from tests.operations.racing import at_once, told_apart

# Not on the services too: nothing here depends on which database answers.
pytestmark = [pytest.mark.django_db]

CANARY = "c4n4ry-0f-the-m1ne"
CHANNELS = f"{PLACE}/alert-channels/"
PAGE = "/deployments/acme/production/-/alerts/"


def create(location: CodeLocation, actor: User | None = None, **said: Any) -> AlertChannel:
    """Create a channel by the operation."""
    fields = {"name": "ops", "kind": "webhook", "address": "http://localhost:9/hook"} | said
    return operations.create_channel(deployment=location.deployment, actor=actor or superuser(), **fields)


def browser(user: User) -> Client:
    """Answer a browser in which this person is signed in."""
    client = Client()
    client.force_login(user)
    return client


def everything(location: CodeLocation) -> str:
    """Answer all that anybody may read of channels."""
    api, pages = Api(superuser()), browser(superuser())
    answers = [api.get(CHANNELS), api.get(f"{CHANNELS}ops/"), api.get(f"{CHANNELS}ops/notifications/")]
    answers += [pages.get(PAGE), pages.get(f"{PAGE}channels/ops/"), pages.get(f"{PAGE}new/")]
    for model in (AlertChannel, Notification):
        name = f"admin:deployments_{model.__name__.lower()}"
        answers.append(pages.get(reverse(f"{name}_changelist")))
        answers += [pages.get(reverse(f"{name}_{page}", args=[row.pk])) for row in model.objects.all()
                    for page in ("change", "history", "delete") if model is AlertChannel or page != "delete"]  # fmt: skip
    assert {answer.status_code for answer in answers} == {200}
    return "\n".join(answer.content.decode() for answer in answers) + database()


def test_an_address_is_shown_nowhere_whatever_becomes_of_it(
    shop: CodeLocation, vendors: HttpSink, mail: SmtpSink, clock: Clock, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.INFO, logger="django.template")
    caplog.set_level(logging.WARNING, logger="mail.log")  # the sink's own
    api, pages = Api(superuser()), browser(superuser())
    token = CANARY.replace("-", "")
    addresses = [
        ("webhook", f"http://localhost:{free_port()}/{CANARY}"),
        ("webhook", f"{vendors.url}/{CANARY}?token={CANARY}"),
        ("slack", f"https://hooks.slack.com/services/T0/B0/{token}"),
        ("teams", f"https://x.logic.azure.com/workflows/a/triggers/manual/paths/invoke?sig={CANARY}"),
        ("pagerduty", f"{token}{token}"),
        ("email", f"{CANARY}@example.com"),
    ]
    said = []
    for number, (kind, address) in enumerate(addresses):
        body = {"name": "ops" if not number else f"n{number}", "kind": kind, "address": address}
        said.append(api.post(CHANNELS, body, key=f"key-{number}"))
        said.append(api.post(CHANNELS, body, key=f"key-{number}"))
        assert [each.status_code for each in said[-2:]] == [201, 201], said[-1].content
        said.append(pages.post(f"{PAGE}channels/", body | {"name": "ops"}))
    for status in (200, 500):
        vendors.status, mail.refuses = status, {f"{CANARY}@example.com"} if status == 500 else set()
        load(shop, clock.passes(minutes=5), ok=status == 500)
        send(clock)
        for name in ("ops", "n1", "n2", "n3", "n4", "n5"):
            said.append(api.post(f"{CHANNELS}{name}/test/"))
            said.append(pages.post(f"{PAGE}channels/{name}/test/"))
    wrong = [("webhook", f"http://u:{CANARY}@localhost/"), ("webhook", f"ftp://{CANARY}/"), ("slack", CANARY)]
    wrong += [("teams", CANARY), ("pagerduty", CANARY), ("email", CANARY), ("webhook", f"{CANARY}\0")]
    for kind, address in wrong:
        body = {"name": "bad", "kind": kind, "address": address}
        said += [api.post(CHANNELS, body), pages.post(f"{PAGE}channels/", body)]
        said += [api.ask("PATCH", f"{CHANNELS}ops/", {"address": f"http://u:{CANARY}@localhost/"})]
        assert {each.status_code for each in said[-3:]} == {400}

    told = "\n".join([*(each.content.decode() for each in said), caplog.text, everything(shop)])
    assert CANARY not in told
    assert token not in told
    assert Notification.objects.filter(status="SENT").count() > 6
    assert Notification.objects.exclude(error="").count() > 6


def test_is_read_as_those_see_it_who_may_configure_and_those_who_may_not(shop: CodeLocation):
    create(shop, address="http://localhost:9/hook", code_location=shop, renotify_minutes=30, alerts=["load_failed"])
    viewer = Api(make_member(Role.VIEWER, shop.deployment))
    admin = Api(make_member(Role.ADMIN, shop.deployment))

    seen = viewer.get(f"{CHANNELS}ops/").json()

    assert admin.get(f"{CHANNELS}ops/").json() == seen | {"address_hint": "localhost"}
    assert viewer.get(CHANNELS).json()["results"] == [seen]
    assert seen.pop("created_at")
    assert seen == {
        "name": "ops", "kind": "webhook", "alerts": ["load_failed"], "code_location": "shop", "renotify_minutes": 30,
        "enabled": True, "address_hint": None, "created_by": "root", "last_sent_at": None, "failing_since": None,
        "last_error": "",
    }  # fmt: skip


def test_its_messages_are_listed_newest_first_page_by_page(shop: CodeLocation, sink: HttpSink, clock: Clock):
    create(shop, address=sink.url)
    for number in range(5):
        load(shop, clock.passes(minutes=1), ok=bool(number % 2))
    send(clock)
    api = Api(superuser())

    first = api.get(f"{CHANNELS}ops/notifications/", limit=3).json()
    second = api.get(first["next"].removeprefix("http://testserver")).json()

    alerts = [row["alert"] for row in first["results"] + second["results"]]
    assert alerts == ["load_failed", "load_recovered", "load_failed", "load_recovered", "load_failed"]
    assert {row["status"] for row in first["results"]} == {"SENT"}
    assert second["next"] is None


def test_a_test_says_whether_it_arrived(shop: CodeLocation, sink: HttpSink):
    create(shop, address=sink.url)
    api = Api(superuser())

    good = api.post(f"{CHANNELS}ops/test/")
    sink.status = 500
    bad = api.post(f"{CHANNELS}ops/test/")
    page = browser(superuser()).get(PAGE).content.decode()

    assert (good.status_code, good.json()["status"], good.json()["alert"]) == (200, "SENT", "")
    assert (bad.status_code, bad.json()["code"]) == (409, "not_delivered")
    assert bad.json()["detail"] == "The test did not arrive. The webhook answered 500."
    assert sink.posted[0].json["title"] == "Test from acme/production"
    assert "Not delivered since" in page
    assert "The webhook answered 500." in page
    assert not Notification.objects.filter(status="PENDING").exists(), "A test is not sent later."


def test_a_change_keeps_what_is_not_said(shop: CodeLocation):
    made = create(shop, address="http://localhost:9/first", renotify_minutes=5)
    pages = browser(superuser())

    pages.post(f"{PAGE}channels/ops/change/", {"name": "renamed", "alerts": ["load_failed"], "enabled": "on"})
    changed = AlertChannel.objects.get(pk=made.pk)

    assert (changed.name, changed.alerts, changed.address) == ("renamed", ["load_failed"], "http://localhost:9/first")
    assert (changed.enabled, changed.renotify_minutes) == (True, None)


def test_switching_it_off_or_leading_it_elsewhere_gives_up_what_waits(shop: CodeLocation, clock: Clock):
    for change in ({"enabled": False}, {"address": "http://localhost:8/other"}):
        made = create(shop)
        AlertChannel.objects.update(failing_since=clock.now, last_error="x")
        load(shop, clock.passes(minutes=1), ok=False)
        changed = operations.change_channel(channel=made, actor=superuser(), **change)

        assert [row.status for row in changed.notifications.all()] == ["FAILED"]
        changed.refresh_from_db()
        assert (changed.last_error == "") == ("address" in change)
        load(shop, clock.passes(minutes=1), ok=True)
        operations.remove_channel(channel=made, actor=superuser())
    assert not Notification.objects.exists()


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"kind": "fax"}, "bad_kind"),
        ({"name": "a/b"}, "bad_name"),
        ({"name": ".."}, "bad_name"),
        ({"name": "a\nb"}, "bad_name"),
        ({"name": "  "}, "invalid"),
        ({"name": "n" * 101}, "invalid"),
        ({"alerts": []}, "invalid"),
        ({"alerts": ["all"]}, "invalid"),
        ({"alerts": "load_failed"}, "invalid"),
        ({"renotify_minutes": 0}, "invalid"),
        ({"renotify_minutes": 10_081}, "invalid"),
        ({"address": ""}, "bad_address"),
    ],
)
def test_what_makes_no_channel(shop: CodeLocation, said: dict[str, Any], code: str):
    with pytest.raises(Invalid) as refused:
        create(shop, **said)

    assert refused.value.code == code
    assert not AlertChannel.objects.exists()


def test_a_channel_is_of_code_locations_of_its_own_deployment(shop: CodeLocation):
    from tests.factories import make_deployment

    foreign = make_location(make_deployment(make_organization("globex")))

    with pytest.raises(Invalid) as refused:
        create(shop, code_location=foreign)
    by_name = Api(superuser()).post(
        CHANNELS, {"name": "x", "kind": "webhook", "address": "http://localhost/", "code_location": "absent"}
    )

    assert refused.value.code == "foreign_code_location"
    assert (by_name.status_code, by_name.json()["code"]) == (400, "no_such_code_location")


def test_only_those_who_configure_the_deployment_may(shop: CodeLocation, clock: Clock):
    editor = make_member(Role.EDITOR, shop.deployment)
    made = create(shop)

    for act in (
        lambda: create(shop, actor=editor, name="another"),
        lambda: operations.change_channel(channel=made, actor=editor, enabled=False),
        lambda: operations.remove_channel(channel=made, actor=editor),
        lambda: operations.test_channel(channel=made, actor=editor, clock=clock),
    ):
        with pytest.raises(NotAllowed):
            act()
    page = browser(editor).get(PAGE).content.decode()
    assert "ops" in page
    assert "Add a channel" not in page
    assert "localhost" not in page


@pytest.mark.django_db(transaction=True)
def test_two_of_a_name_at_the_same_moment_are_one():
    shop = make_location()
    actor = superuser()

    made, codes = told_apart(at_once(*[lambda: create(shop, actor)] * 3))

    assert (len(made), codes) == (1, ["name_taken"] * 2)


@pytest.mark.django_db(transaction=True)
def test_one_that_is_removed_while_somebody_is_told_breaks_nothing(clock: Clock):
    shop, actor = make_location(), superuser()
    for _ in range(5):
        made = create(shop, actor)
        gone = made.pk
        remove = [lambda made=made: operations.remove_channel(channel=made, actor=actor)]
        results = at_once(lambda: load(shop, clock.now, ok=False), *remove, lambda: load(shop, clock.now, ok=True))

        assert [each for each in results if isinstance(each, Exception)] == []
    made.pk = gone
    with pytest.raises(Absent):
        operations.change_channel(channel=made, actor=actor, renotify_minutes=5)


def test_a_kind_cannot_be_changed(shop: CodeLocation):
    with pytest.raises(Refusal) as refused:
        operations.change_channel(channel=create(shop), actor=superuser(), kind="email")

    assert refused.value.code == "not_changeable"


def test_an_address_whose_key_is_gone_is_said(shop: CodeLocation, settings: Any, clock: Clock):
    create(shop)
    settings.LASTGOOD_ENCRYPTION_KEYS = ["another"]

    load(shop, clock.now, ok=False)
    send(clock)

    assert "set it anew" in Notification.objects.get().error
    assert "set it anew" in browser(superuser()).get(PAGE).content.decode()


def test_text_of_others_is_no_markup_on_the_page(shop: CodeLocation, clock: Clock):
    mark = "<i id=mark>"
    create(shop, name=mark)
    Notification.objects.create(
        channel=AlertChannel.objects.get(), subject="s", title=mark, body=mark, error=mark, due_at=clock.now,
        created_at=clock.now, link="javascript:alert(1)",
    )  # fmt: skip
    AlertChannel.objects.update(failing_since=clock.now, last_error=mark)

    page = browser(superuser()).get(PAGE).content.decode()

    assert mark not in page
    assert "&lt;i id=mark&gt;" in page


def test_the_admin_makes_and_changes_channels_and_keeps_an_address_that_is_not_given(shop: CodeLocation):
    pages = browser(make_member(Role.ADMIN, shop.deployment))
    add = reverse("admin:deployments_alertchannel_add")
    form = {
        "deployment": shop.deployment_id,
        "kind": "webhook",
        "name": "ops",
        "enabled": "on",
        "alerts": ["load_failed"],
    }

    without = pages.post(add, form)
    made = pages.post(add, form | {"address": "http://localhost:9/hook"})
    stored = AlertChannel.objects.get()
    page = reverse("admin:deployments_alertchannel_change", args=[stored.pk])
    changed = pages.post(page, {"name": "renamed", "alerts": ["load_failed", "deploy_failed"]})

    assert (without.status_code, made.status_code, changed.status_code) == (200, 302, 302)
    stored.refresh_from_db()
    assert (stored.name, stored.address, stored.enabled) == ("renamed", "http://localhost:9/hook", False)
    assert stored.alerts == ["load_failed", "deploy_failed"]
    pages.post(page, {"name": "renamed", "alerts": ["load_failed"], "address": "http://localhost:9/new"})
    stored.refresh_from_db()
    assert stored.address == "http://localhost:9/new"
