"""How far back one can go: …"""

from pathlib import Path

import pytest

from deployments import operations
from deployments.models import CodeLocation, Deploy
from tests.api.asking import LOCATION, Api, answered, refused
from tests.factories import make_location, superuser, upload
from tests.operations.asking import in_place
from tests.retention.days import carry_out_on, day, kept, purge_on
from tests.settings.acting import settings_file
from tests.settings.commands import command

pytestmark = [pytest.mark.django_db, pytest.mark.services]

LONG_AGO, OLD, YOUNG, NEWEST = 0, 5, 60, 100  # days


@pytest.fixture
def location(db: None, tmp_path: Path) -> CodeLocation:
    """Answer a code location with a deploy on each of these days: image, DAGs, dbt project, settings, all different."""
    made = make_location()
    command(made, tmp_path, ":")
    for number, on in enumerate((LONG_AGO, OLD, YOUNG, NEWEST), start=1):
        deploy_on(made, on, number)
    return made


def deploy_on(location: CodeLocation, on: float, number: int) -> Deploy:
    """Deploy all that there is, on that day."""
    organization = location.deployment.organization
    bundles = {mount: upload(organization, {"a.py": f"{mount} {number}".encode()}) for mount in ("dags", "dbt/shop")}
    parts = {
        "image": f"registry.example/shop:{number}",
        "runtime_version": f"3.{number}-1",
        "bundles": bundles,
        "settings": {"env": {"NUMBER": {"value": str(number), "secret": True}}, "runtime": {"workers": number}},
    }
    push = operations.Push(parts=parts, description=f"number {number}")
    ended = carry_out_on(operations.create_deploy(location=location, push=push, actor=superuser(), now=day(on)), on)
    assert ended.status == "SUCCEEDED", ended.error
    return ended


def restored(location: CodeLocation, on: float, to: int) -> Deploy:
    """Roll back on that day."""
    asked = operations.request_rollback(
        location=location, to=to, description="Bad.", actor=superuser(), now=day(on), acknowledged=["runtime_downgrade"]
    )
    ended = carry_out_on(asked, on)
    assert ended.status == "SUCCEEDED", ended.error
    return ended


def test_a2_every_deploy_of_the_last_90_days_whatever_it_brought(location):
    purge_on(NEWEST + 1)

    # #2 was live until day 60, 41 days ago.
    for to in (2, 3, 4):
        restored(location, NEWEST + 1, to)
        files = in_place(location)
        assert (files["dags/a.py"], files["dbt/shop/a.py"]) == (f"dags {to}".encode(), f"dbt/shop {to}".encode())
        told = settings_file(location)
        assert (told["image"], told["runtime_version"]) == (f"registry.example/shop:{to}", f"3.{to}-1")
        assert told["settings"] == {"env": {"NUMBER": str(to)}, "runtime": {"workers": to}}


def test_a2_not_to_what_was_live_longer_ago_which_history_still_names(location, editor: Api):
    purge_on(NEWEST + 1)

    gone = answered(editor.get("deploys/1/"), 200)

    assert kept(location) == {2, 3, 4}
    assert gone["restorable"]["code"] == "artifact_gone"
    assert (gone["release"]["image"], gone["description"]) == ("registry.example/shop:1", "number 1")
    refused(editor.post("rollback-plans/", {"to": 1}), 409, "artifact_gone")


def test_a2_the_newest_of_all_however_old_it_is(location):
    purge_on(NEWEST + 3650)

    assert 4 in kept(location)
    assert 1 not in kept(location)
    deploy_on(location, NEWEST + 3651, 5)
    purge_on(NEWEST + 3652)
    assert restored(location, NEWEST + 3652, 4).restores.number == 4


def test_a7_what_a_rollback_records_is_its_own_but_for_what_it_restored(location, editor: Api):
    made = restored(location, NEWEST + 1, 3)

    row, then = (answered(editor.get(f"deploys/{number}/"), 200) for number in (made.number, 3))

    assert (row["kind"], row["description"], row["restores"]) == ("rollback", "Bad.", 3)
    assert row["created_at"] > then["created_at"]
    for same in ("image", "bundles", "runtime_version", "settings", "digest"):
        assert row["release"][same] == then["release"][same], same


def test_a5_descriptions_are_shown_and_can_be_mended_and_nothing_else(location, editor: Api):
    made = restored(location, NEWEST + 1, 3)
    before = Deploy.objects.filter(pk=made.pk).values().get()

    body = {"description": "It lost orders", "number": 9, "status": "FAILED", "release": None, "scope": "code"}
    answered(editor.ask("PATCH", f"{LOCATION}/deploys/{made.number}/", body), 200)

    assert answered(editor.get("deploys/"), 200)["results"][0]["description"] == "It lost orders"
    assert Deploy.objects.filter(pk=made.pk).values().get() == before | {"description": "It lost orders"}
