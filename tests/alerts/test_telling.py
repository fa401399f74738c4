"""What is told, and how often."""

from typing import Any

import pytest
from django.db import transaction

from deployments.alerting import happenings, renotify
from deployments.alerting.wording import own_error
from deployments.models import CodeLocation, Deploy, Incident, Load, Notification
from deployments.states import DeployKind, DeployStatus, NotificationStatus
from tests.alerts.acting import ERROR, Clock, channel, ended, load, pushed, send, told
from tests.alerts.sinks import HttpSink
from tests.factories import ask_rollback, deploy, fresh, make_location
from tests.operations.racing import at_once

pytestmark = [pytest.mark.django_db, pytest.mark.services]


def test_d11_people_are_told_once_of_a_code_location_that_fails_to_load(shop, sink: HttpSink, clock: Clock):
    channel(shop, address=f"{sink.url}/hook")

    for _ in range(3):
        load(shop, clock.passes(minutes=1), ok=False)
        send(clock)
    load(shop, clock.passes(minutes=10), ok=True)
    load(shop, clock.passes(minutes=1), ok=True)
    send(clock)

    failed, recovered = (each.json for each in sink.posted)
    assert (failed["alert"], failed["place"]) == ("load_failed", "acme/production/shop")
    assert failed["title"] == "acme/production/shop fails to load"
    assert "ModuleNotFoundError: No module named 'shop_warehouse'" in failed["body"]
    assert "Since 2026-11-21 12:01 UTC." in failed["body"]
    assert failed["link"] == "http://localhost:8000/deployments/acme/production/shop/"
    assert recovered["alert"] == "load_recovered"
    assert "for 12 min" in recovered["body"]
    incident = Incident.objects.get()
    assert (incident.began_with.ok, incident.ended_with.ok) == (False, True)


def test_the_next_failure_after_a_recovery_is_another_incident(shop, clock: Clock):
    channel(shop)

    for ok in (False, True, False):
        load(shop, clock.passes(minutes=1), ok=ok)

    assert told() == ["load_failed", "load_recovered", "load_failed"]
    assert Incident.objects.count() == 2


def test_a_good_load_without_an_incident_says_nothing(shop, clock: Clock):
    channel(shop)

    load(shop, clock.now, ok=True)

    assert told() == []


def test_of_a_muted_code_location_no_failure_is_told(shop, clock: Clock):
    channel(shop)
    CodeLocation.objects.update(muted=True)
    load(shop, clock.now, ok=False)
    ended(pushed(fresh(shop), clock.now), clock.now, DeployStatus.FAILED, code="load_failed", detail="It fails.")

    assert told() == []
    assert not Incident.objects.exists()


def test_one_that_is_muted_during_an_incident_is_not_told_of_again(shop, clock: Clock):
    channel(shop, renotify_minutes=5)
    load(shop, clock.now, ok=False)
    Notification.objects.update(status=NotificationStatus.SENT)
    CodeLocation.objects.update(muted=True)

    assert renotify.remind(clock.passes(hours=1)) == 0


def test_each_channel_hears_what_it_asked_for(shop, clock: Clock):
    other = make_location(shop.deployment, "other")
    wanted = {
        "all": channel(shop, name="all"),
        "failures": channel(shop, name="failures", alerts=["load_failed"]),
        "recoveries": channel(shop, name="recoveries", alerts=["load_recovered"]),
        "deploys": channel(shop, name="deploys", alerts=["deploy_failed"]),
        "here": channel(shop, name="here", code_location=shop),
        "elsewhere": channel(shop, name="elsewhere", code_location=other),
        "off": channel(shop, name="off", enabled=False),
    }
    load(shop, clock.now, ok=False)
    late = channel(shop, name="late")
    load(shop, clock.passes(minutes=1), ok=True)

    both = ["load_failed", "load_recovered"]
    expected = {"all": both, "failures": both[:1], "recoveries": both[1:], "here": both}
    assert {name: told(row) for name, row in wanted.items()} == {name: expected.get(name, []) for name in wanted}
    assert told(late) == [], "It was never told of the failure."


def test_it_is_told_again_while_it_fails_and_not_a_moment_longer(shop, sink: HttpSink, clock: Clock):
    channel(shop, address=sink.url, renotify_minutes=30)
    channel(shop, address=sink.url, name="once")
    load(shop, clock.now, ok=False)
    send(clock)

    counts = [renotify.remind(clock.passes(minutes=span)) for span in (29, 2, 1)]
    waiting = renotify.remind(clock.passes(minutes=90))
    send(clock)
    counts.append(renotify.remind(clock.passes(minutes=90)))
    send(clock)
    load(shop, clock.now, ok=True)
    counts.append(renotify.remind(clock.passes(minutes=90)))

    assert counts == [0, 1, 0, 1, 0]
    assert waiting == 0, "One that waits to be sent says it already."
    titles = [each.json["title"] for each in sink.posted]
    assert titles == ["acme/production/shop fails to load"] * 2 + ["acme/production/shop still fails to load"] * 2


def test_the_same_happening_written_twice_is_one_message(shop, clock: Clock):
    channel(shop)
    load(shop, clock.now, ok=False)
    row = Notification.objects.get()
    row.pk = None

    with transaction.atomic():
        happenings.write_down([row])
        assert Notification.objects.count() == 1, "The transaction around it must go on."


def test_a_push_that_failed_is_told(shop, clock: Clock):
    channel(shop)

    broken = pushed(shop, clock.now, description="New <b>model</b>\nand more")
    ended(broken, clock.now, DeployStatus.FAILED, code="target_away", detail="The target cannot be\nwritten.")

    row = Notification.objects.get()
    assert (row.alert, row.title) == ("deploy_failed", "Deploy #1 of acme/production/shop failed")
    assert row.body.splitlines()[:2] == ["The target cannot be written.", "By root: New <b>model</b> and more"]
    assert row.link == "http://localhost:8000/deployments/acme/production/shop/deploys/1/"


@pytest.mark.parametrize("status", [DeployStatus.CANCELED, DeployStatus.SUPERSEDED, DeployStatus.SUCCEEDED])
def test_what_ended_otherwise_is_not_told(shop, clock: Clock, status: DeployStatus):
    channel(shop)

    ended(pushed(shop, clock.now), clock.now, status)

    assert told() == []


def test_what_was_observed_is_no_deploy_that_failed(shop, clock: Clock):
    channel(shop)
    seen = pushed(shop, clock.now)
    Deploy.objects.update(kind=DeployKind.OBSERVED)

    ended(seen, clock.now, DeployStatus.FAILED, code="load_failed", detail="x")

    assert told() == []


def test_a_push_whose_code_does_not_load_is_one_message_a_channel(shop, clock: Clock):
    both = channel(shop)
    deploys = channel(shop, name="deploys", alerts=["deploy_failed"])
    made = pushed(shop, clock.now)

    load(shop, clock.passes(seconds=5), ok=False, deploy=made)
    ended(made, clock.now, DeployStatus.FAILED, code="load_failed", detail="It does not load.")

    assert (told(both), told(deploys)) == (["load_failed"], ["deploy_failed"])
    assert "It came with deploy #1, by root." in Notification.objects.get(channel=both).body


def test_what_mended_it_is_not_said_to_have_broken_it(shop, clock: Clock):
    channel(shop)
    load(shop, clock.now, ok=False)

    load(shop, clock.passes(minutes=5), ok=True, deploy=pushed(shop, clock.now))

    assert "for 5 min. It loads again with deploy #1, by root." in Notification.objects.get(alert="load_recovered").body


def test_a_neighbours_deploy_that_had_it_loaded_anew_is_named(shop, clock: Clock):
    channel(shop)
    neighbour = pushed(make_location(shop.deployment, "other"), clock.now)

    load(shop, clock.now, ok=False, reloaded_by=neighbour)

    assert "It was loaded anew for deploy #1 of acme/production/other." in Notification.objects.get().body


def test_the_order_in_which_both_are_written_does_not_matter(shop, clock: Clock):
    both = channel(shop)
    made = pushed(shop, clock.now)

    ended(made, clock.passes(seconds=5), DeployStatus.FAILED, code="load_failed", detail="It does not load.")
    load(shop, clock.passes(seconds=5), ok=False, deploy=made)

    assert told(both) == ["load_failed"]


def test_another_push_that_does_not_load_either_is_told_as_a_deploy(shop, clock: Clock):
    both = channel(shop)
    load(shop, clock.now, ok=False)

    made = pushed(shop, clock.passes(minutes=1))
    load(shop, clock.passes(seconds=5), ok=False, deploy=made)
    ended(made, clock.now, DeployStatus.FAILED, code="load_failed", detail="It does not load.")

    assert told(both) == ["load_failed", "deploy_failed"]


@pytest.mark.parametrize(
    ("status", "alert", "word"),
    [
        (DeployStatus.SUCCEEDED, "rollback_succeeded", "succeeded"),
        (DeployStatus.FAILED, "rollback_failed", "failed"),
        (DeployStatus.ERRORED, "rollback_failed", "failed"),
    ],
)
def test_a_rollback_is_told_from_its_beginning_to_its_end(shop, clock: Clock, status: Any, alert: str, word: str):
    channel(shop)
    deploy(shop)
    deploy(fresh(shop), {"a.py": b"2"})
    Notification.objects.all().delete()  # whatever the pipeline told of these two
    back = ask_rollback(fresh(shop), 1, description="Bad.")
    with transaction.atomic():
        happenings.of_deploy_begun(back, now=clock.now)
        happenings.of_deploy_begun(back, now=clock.now)

    ended(back, clock.now, status, **({} if status == DeployStatus.SUCCEEDED else {"code": "x", "detail": "No."}))

    rows = Notification.objects.order_by("pk")
    assert [row.alert for row in rows] == ["rollback_started", alert]
    assert rows[0].title == "Rollback #3 to #1 of acme/production/shop started"
    assert rows[1].title == f"Rollback #3 to #1 of acme/production/shop {word}"


def test_a_push_that_begins_is_not_told(shop, clock: Clock):
    channel(shop)

    happenings.of_deploy_begun(pushed(shop, clock.now), now=clock.now)

    assert told() == []


def test_what_cannot_be_told_undoes_nothing_of_what_happened(shop, clock: Clock, monkeypatch, caplog):
    def broken(*_: Any, **__: Any) -> None:
        CodeLocation.objects.filter(pk=-1).update(nothing=1)

    channel(shop)
    monkeypatch.setattr("deployments.alerting.wording.load_failed", broken)

    load(shop, clock.now, ok=False)

    assert Load.objects.get().ok is False
    assert told() == []
    assert "Nobody could be told" in caplog.text


def test_a_name_that_is_as_long_as_can_be_fits(db: None, clock: Clock):
    shop = make_location(name="s" * 128)
    channel(shop)

    load(shop, clock.now, ok=False, error={"message": "x" * 5000, "class_name": "E"})
    made = pushed(fresh(shop), clock.now, description="d" * 5000)
    ended(made, clock.now, DeployStatus.FAILED, code="other", detail="y" * 5000)

    assert {len(row.title) <= 200 and len(row.body) < 1500 for row in Notification.objects.all()} == {True}
    assert Notification.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_two_failures_at_the_same_moment_are_one_incident(clock: Clock):
    shop = make_location()
    channel(shop)

    results = at_once(*[lambda: load(shop, clock.now, ok=False)] * 4)

    assert [each for each in results if isinstance(each, Exception)] == []
    assert told() == ["load_failed"]
    assert Incident.objects.count() == 1


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ERROR, "ModuleNotFoundError: No module named 'shop_warehouse'"),
        ({"message": "a\nb\x00\x1bc", "class_name": "E"}, "E: a b c"),
        ({"message": "E: said", "class_name": "E"}, "E: said"),
        ({"message": "", "class_name": "E"}, "E"),
        ({"chain": [{"message": "m", "class_name": "E", "frame": "shop/a.py:7"}]}, "E: m (shop/a.py:7)"),
        ({"chain": "odd", "message": 7}, "7"),
        ({}, ""),
        (None, ""),
        ("odd", ""),
    ],
)
def test_the_users_own_error_is_a_line(error: Any, line: str):
    assert own_error(error) == line
