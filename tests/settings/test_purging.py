"""Retention takes the values of settings …"""

from datetime import timedelta

import pytest
from django.utils import timezone

from deployments import configuration, operations
from deployments.models import CodeLocation, Deploy, Release
from deployments.states import DeployStatus
from tests.api.asking import answered, refused
from tests.factories import carry_out, superuser
from tests.operations.asking import refusal
from tests.retention.days import carry_out_on, day, deploy_on, make_short_lived_location, purge_on
from tests.settings.acting import secret, sourced

pytestmark = [pytest.mark.django_db, pytest.mark.services]


@pytest.fixture
def location(db: None) -> CodeLocation:
    """Answer acme/production/shop, which keeps releases for ten days."""
    return make_short_lived_location()


def push_settings_on(location: CodeLocation, number: float, **settings) -> Deploy:
    """Push settings on that day."""
    push = operations.Push(parts={"settings": settings})
    return operations.create_deploy(location=location, push=push, actor=superuser(), now=day(number))


def set_up_on(location: CodeLocation, number: float, **settings) -> Deploy:
    """Push settings and carry it out on that day."""
    return carry_out_on(push_settings_on(location, number, **settings), number)


def fill(location: CodeLocation) -> None:
    """Have #1 with settings, long ago; and since then three others, the newest last."""
    set_up_on(location, 0, env={"PASSWORD": secret("one"), "REGION": "eu"}, free={"owner": "data"})
    for number in (1, 2, 30):
        deploy_on(location, number, str(number))
        set_up_on(location, number, env={"PASSWORD": secret(f"new {number}")})


def stored(number: int) -> Deploy:
    """Answer a deploy as it is stored."""
    return Deploy.objects.select_related("release").get(number=number)


def test_and_leaves_names_and_fingerprints(location, editor):
    fill(location)
    before = stored(1).release.settings

    purge_on(31)

    purged = stored(1)
    known = purged.release.settings
    prints = known["env"]["PASSWORD"]["fingerprint"]
    assert purged.release.purged_at is not None
    assert prints == before["env"]["PASSWORD"]["fingerprint"]
    assert known["env"]["PASSWORD"] == {"secret": True, "fingerprint": prints, "forgotten": True}
    assert known["env"]["REGION"].keys() == known["free"]["owner"].keys() == {"secret", "fingerprint", "forgotten"}
    assert purged.parts["settings"] == known
    everything = repr(list(Release.objects.filter(purged_at__isnull=False).values())) + repr(purged.parts)
    assert "sealed" not in everything
    assert "data" not in everything
    assert purged.release.digest == stored(1).release.digest
    shown = answered(editor.get("deploys/1/"), 200)
    assert shown["release"]["settings"]["env"]["PASSWORD"]["fingerprint"] == prints
    assert shown["restorable"]["code"] == "artifact_gone"


def test_and_leaves_those_that_are_live(location):
    fill(location)

    purge_on(31)

    # What #1 set is live still: its own release has it.
    assert configuration.opened(stored(7).release.settings)["env"] == {"PASSWORD": "new 30", "REGION": "eu"}
    assert sourced(location, "REGION", "PASSWORD") == {"REGION": "eu", "PASSWORD": "new 30"}


def test_of_what_one_push_carried_for_others(location):
    deploy_on(location, 0, "a")
    operations.hold(location=location, reason="Wait.", actor=superuser(), now=day(0))
    push_settings_on(location, 0, env={"PASSWORD": secret("one"), "OTHER": secret("two")})
    push_settings_on(location, 0, env={"OTHER": None}, free={"owner": "data"})
    carrying = operations.resume(location=location, actor=superuser(), now=day(0))
    carry_out_on(carrying, 0)
    for number in (1, 2, 30):
        set_up_on(location, number, env={"PASSWORD": secret(f"new {number}")})
    assert "sealed" in repr(stored(3).carried)

    purge_on(31)

    purged = stored(3)
    assert purged.release.purged_at is not None
    assert purged.carried["settings:env/PASSWORD"]["value"].keys() == {"secret", "fingerprint", "forgotten"}
    assert purged.carried["settings:env/PASSWORD"]["from"] == 2
    assert purged.parts["settings"]["env"] == {"OTHER": None}
    assert "sealed" not in repr(purged.carried) + repr(purged.parts)


def test_of_pushes_that_never_became_a_release(location):
    deploy_on(location, 0, "a")
    canceled = push_settings_on(location, 1, env={"PASSWORD": secret("one")})
    operations.cancel(deploy=canceled, actor=superuser(), now=day(1))
    superseded = push_settings_on(location, 2, env={"PASSWORD": secret("two")})
    set_up_on(location, 2, env={"PASSWORD": secret("three")})

    purge_on(11.5)
    assert "sealed" not in repr(Deploy.objects.get(pk=canceled.pk).parts)
    assert "sealed" in repr(Deploy.objects.get(pk=superseded.pk).parts)
    purge_on(13)

    assert Deploy.objects.get(pk=superseded.pk).status == DeployStatus.SUPERSEDED
    assert "sealed" not in repr(Deploy.objects.get(pk=superseded.pk).parts)
    assert "sealed" in repr(stored(4).parts)


def test_and_so_what_is_tried_again_says_what_it_lacks(location):
    deploy_on(location, 0, "a")
    canceled = push_settings_on(location, 1, env={"PASSWORD": secret("one")})
    operations.cancel(deploy=canceled, actor=superuser(), now=day(1))
    purge_on(30)

    again = refusal(lambda: operations.retry(deploy=Deploy.objects.get(pk=canceled.pk), actor=superuser(), now=day(30)))

    assert again.code == "artifact_gone"
    assert Deploy.objects.count() == 2


def test_until_the_same_content_comes_back(location):
    fill(location)
    purge_on(31)
    first = stored(1).release
    back = {"env": {"PASSWORD": secret("one"), "REGION": "eu"}, "free": {"owner": "data"}}
    parts = {"settings": back, "bundles": {"dags": None}}

    push = operations.Push(parts=parts)
    made = carry_out(operations.create_deploy(location=location, push=push, actor=superuser(), now=timezone.now()))

    first.refresh_from_db()
    assert made.release == first
    assert first.purged_at is None
    assert sourced(location, "PASSWORD") == {"PASSWORD": "one"}


def test_and_lets_nobody_roll_back_to_them(location, editor):
    fill(location)
    purge_on(31)

    for scope in ("all", "code", "settings"):
        refused(editor.post("rollback-plans/", {"to": 1, "scope": scope}), 409, "artifact_gone")
        body = {"to": 1, "scope": scope, "description": "Bad."}
        refused(editor.post("rollbacks/", body), 409, "artifact_gone")


def test_but_not_in_a_dry_run(location):
    fill(location)
    before = list(Deploy.objects.order_by("pk").values("parts", "carried")), list(Release.objects.values())

    purge_on(31, dry_run=True)

    assert before == (list(Deploy.objects.order_by("pk").values("parts", "carried")), list(Release.objects.values()))


def test_twice_without_changing_anything_the_second_time(location):
    fill(location)
    purge_on(31)
    before = list(Deploy.objects.order_by("pk").values()), list(Release.objects.order_by("pk").values())

    purge_on(31 + timedelta(hours=1) / timedelta(days=1))

    assert before == (list(Deploy.objects.order_by("pk").values()), list(Release.objects.order_by("pk").values()))
