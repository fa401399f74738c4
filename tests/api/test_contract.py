"""The contract over HTTP: …"""

import pytest

from deployments.access import Role
from deployments.models import Deploy
from tests.api.asking import BASE, LOCATION, PLACE, Api, answered, refused
from tests.factories import carry_out, make_deployment, make_location, make_member, make_organization, make_superuser
from tests.operations.asking import ONE, THREE, TWO, in_place

pytestmark = [pytest.mark.django_db, pytest.mark.services]

DEPLOY = {
    *(
        "place",
        "number",
        "kind",
        "status",
        "description",
        "actor",
        "parts",
        "release",
        "scope",
        "acknowledged",
        "restores",
        "previous",
        "retry_of",
    ),
    *(
        "superseded_by",
        "git",
        "source_position",
        "created_at",
        "started_at",
        "activated_at",
        "reloaded_at",
        "verified_at",
    ),
    *(
        "finished_at",
        "step",
        "assets",
        "verified",
        "verification",
        "restorable",
        "run",
        "applied",
        "held_reason",
        "error",
        "metadata",
    ),
}


@pytest.fixture
def location():
    """Answer acme/production/shop."""
    return make_location()


@pytest.fixture
def editor(location) -> Api:
    """Answer the client of somebody who may deploy and roll back there."""
    return Api(make_member(Role.EDITOR, location.deployment))


def ended(number: int) -> Deploy:
    """Carry it out as a worker would."""
    return carry_out(Deploy.objects.get(number=number))


def test_organizations():
    root = Api(make_superuser())

    made = answered(root.post(f"{BASE}/organizations/", {"slug": "acme", "name": "Acme"}), 201)

    assert set(made) == {"slug", "name", "created_at"}
    assert answered(root.get(f"{BASE}/organizations/acme/"), 200) == made
    assert answered(root.get(f"{BASE}/organizations/"), 200) == {"next": None, "previous": None, "results": [made]}
    refused(root.post(f"{BASE}/organizations/", {"slug": "acme"}), 409, "name_taken")
    refused(root.post(f"{BASE}/organizations/", {"slug": "Not A Slug"}), 400, "invalid")


def test_deployments():
    acme = make_organization()
    admin = Api(make_member(Role.ORGANIZATION_ADMIN, acme))
    deployments = f"{BASE}/organizations/acme/deployments/"

    made = answered(admin.post(deployments, {"slug": "production", "retention_days": 30}), 201)

    assert {name: made[name] for name in ("place", "organization", "platform", "target", "retention_days")} == {
        "place": "acme/production",
        "organization": "acme",
        "platform": "none",
        "target": "directory",
        "retention_days": 30,
    }
    changed = answered(admin.ask("PATCH", f"{PLACE}/", {"name": "Shop", "slug": "other", "target": "pull"}), 200)
    assert changed == made | {"name": "Shop"}
    assert answered(admin.get(f"{PLACE}/"), 200) == changed
    assert answered(admin.get(deployments), 200)["results"] == [changed]
    refused(admin.post(deployments, {"slug": "production"}), 409, "name_taken")
    refused(admin.ask("PATCH", f"{PLACE}/", {"retention_days": 0}), 400, "invalid")
    refused(admin.ask("PATCH", f"{PLACE}/", {"platform_url": "http://169.254.169.254/"}), 400, "host_not_allowed")


@pytest.mark.parametrize("when", ["made", "changed"])
def test_an_airflow_has_its_one_code_location_from_the_start(when: str):
    """The first deploy comes before Airflow has anything to show."""
    admin = Api(make_member(Role.ORGANIZATION_ADMIN, make_organization()))
    airflow = {"platform": "airflow", "platform_url": "http://localhost:8080"}

    made = {"slug": "production"} | (airflow if when == "made" else {})
    answered(admin.post(f"{BASE}/organizations/acme/deployments/", made), 201)
    answered(admin.ask("PATCH", f"{PLACE}/", airflow), 200)

    listed = answered(admin.get(f"{PLACE}/code-locations/"), 200)["results"]
    assert [each["place"] for each in listed] == ["acme/production/default"]


def test_code_locations():
    deployment = make_deployment()
    admin = Api(make_member(Role.ADMIN, deployment))
    viewer = Api(make_member(Role.VIEWER, deployment))

    made = answered(admin.post(f"{PLACE}/code-locations/", {"name": "shop"}), 201)

    assert made["place"] == "acme/production/shop"
    assert {made[name] for name in ("wanted_deploy", "placed_deploy", "live_deploy", "hold", "last_good")} == {None}
    assert made["target_path"].endswith("acme/production/shop")
    seen = answered(viewer.get(f"{LOCATION}/"), 200)
    assert seen == made | {"target_path": None}
    assert answered(viewer.get(f"{PLACE}/code-locations/"), 200)["results"] == [seen]
    refused(admin.post(f"{PLACE}/code-locations/", {"name": "shop"}), 409, "name_taken")
    refused(admin.post(f"{PLACE}/code-locations/", {"name": "../up"}), 400, "invalid")


def test_a_push_is_accepted_carried_out_and_read(location, editor):
    digest = editor.upload(ONE)
    said = {
        "bundles": {"dags": digest},
        "description": "Add orders",
        "runtime_version": "3.1-2",
        "git": {"commit": "0123abc0", "url": "git@github.com:acme/shop.git", "branch": "main", "unknown": "x"}
        | {"committed_at": "2026-11-21T13:30:15.5+05:30"},
        "metadata": {"run": {"id": 7}},
        "source_position": 12,
        "expected_live": 0,
    }

    made = answered(editor.post("deploys/", said), 202)

    assert set(made) == DEPLOY
    assert (made["number"], made["status"], made["kind"], made["release"]) == (1, "QUEUED", "dags", None)
    assert made["actor"] == {"name": "editor", "kind": "person"}
    assert made["git"] == {
        "commit": "0123abc0",
        "url": "git@github.com:acme/shop.git",
        "branch": "main",
        "committed_at": "2026-11-21T08:00:15Z",
        "commit_url": "https://github.com/acme/shop/commit/0123abc0",
    }
    assert (made["metadata"], made["source_position"]) == ({"run": {"id": 7}}, 12)
    assert made["restorable"]["code"] == "never_placed"
    ended(1)
    read = answered(editor.get("deploys/1/"), 200)
    assert set(read) == DEPLOY
    assert (read["status"], read["restorable"], read["verified"], read["error"]) == ("SUCCEEDED", True, None, None)
    assert read["verification"] == "Not verified: no platform connected."
    assert read["release"]["bundles"] == [{"mount": "dags", "digest": digest, "version": digest[:12], "from_deploy": 1}]
    assert read["applied"] == {"bundle:dags": True, "runtime_version": False}
    assert all(read[name] for name in ("created_at", "started_at", "activated_at", "finished_at"))
    place = answered(editor.get(), 200)
    assert (place["wanted_deploy"], place["placed_deploy"], place["live_deploy"], place["last_good"]) == (1, 1, 1, None)


def test_a_rollback_is_accepted_carried_out_and_holds(location, editor):
    for number, files in enumerate((ONE, TWO), start=1):
        answered(editor.push(files), 202)
        ended(number)
    assert answered(editor.get(), 200)["last_good"] == 1

    made = answered(editor.post("rollbacks/", {"to": "last-good", "description": "Orders are doubled."}), 202)
    ended(3)

    assert (made["number"], made["kind"], made["restores"], made["status"]) == (3, "rollback", 1, "QUEUED")
    read = answered(editor.get("deploys/3/"), 200)
    assert (read["status"], read["previous"]) == ("SUCCEEDED", 2)
    assert in_place(location) == {"dags/a.py": ONE["a.py"]}
    hold = answered(editor.get(), 200)["hold"]
    assert set(hold) == {"reason", "created_at", "created_by", "until", "deploy"}
    assert (hold["deploy"], hold["created_by"]) == (3, "editor")
    held = answered(editor.push(THREE), 201)
    assert (held["status"], held["held_reason"]) == ("HELD", hold["reason"])
    refused(editor.push(TWO), 409, "blocked")
    resumed = answered(editor.post("resume/"), 202)
    assert (resumed["number"], resumed["status"]) == (4, "QUEUED")


@pytest.mark.parametrize("to", [1, "1", "#1"])
def test_a_rollback_takes_a_number_however_it_is_written(location, editor, to):
    for number, files in enumerate((ONE, TWO), start=1):
        answered(editor.push(files), 202)
        ended(number)

    assert answered(editor.post("rollbacks/", {"to": to, "description": "Bad."}), 202)["restores"] == 1


def test_a_hold_and_its_end(location, editor):
    held = answered(editor.post("hold/", {"reason": "Month end.", "until": "2999-01-01T00:00:00Z"}), 201)

    assert (held["reason"], held["until"], held["deploy"]) == ("Month end.", "2999-01-01T00:00:00Z", None)
    refused(editor.post("hold/", {"reason": "Again."}), 409, "held")
    assert answered(editor.post("resume/"), 200)["hold"] is None
    refused(editor.post("resume/"), 409, "not_held")
    refused(editor.post("hold/", {"reason": "Past.", "until": "2001-01-01T00:00:00Z"}), 400, "until_is_past")
    refused(editor.post("hold/", {"reason": " "}), 400, "invalid")


def test_a_cancel_a_retry_and_another_description(location, editor):
    answered(editor.push(ONE, description="Frist"), 202)

    canceled = answered(editor.post("deploys/1/cancel/"), 200)
    again = answered(editor.post("deploys/1/retry/"), 202)
    described = answered(
        editor.ask("PATCH", "deploys/1/", {"description": "First", "number": 9, "status": "SUCCEEDED"}), 200
    )

    assert (canceled["status"], canceled["error"]["code"]) == ("CANCELED", "canceled")
    assert (again["number"], again["retry_of"]) == (2, 1)
    assert described == canceled | {"description": "First"}
    refused(editor.post("deploys/1/cancel/"), 409, "already_finished")
    refused(editor.post("deploys/2/retry/"), 409, "not_finished")
    ended(2)
    refused(editor.post("deploys/2/retry/"), 409, "already_succeeded")


def test_a_retry_of_a_location_that_is_held_is_stored(location, editor):
    answered(editor.push(ONE), 202)
    answered(editor.post("deploys/1/cancel/"), 200)
    answered(editor.post("hold/", {"reason": "Month end."}), 201)

    assert answered(editor.post("deploys/1/retry/"), 201)["status"] == "HELD"


def test_events_come_in_order_and_after_a_number(location, editor):
    answered(editor.push(ONE), 202)
    waiting = answered(editor.get("deploys/1/events/"), 200)
    ended(1)

    rest = answered(editor.get("deploys/1/events/", after=waiting["results"][-1]["seq"]), 200)

    assert (waiting["status"], waiting["finished"]) == ("QUEUED", False)
    assert (rest["status"], rest["finished"]) == ("SUCCEEDED", True)
    assert set(rest["results"][0]) == {"seq", "at", "kind", "step", "level", "message"}
    seqs = [line["seq"] for line in waiting["results"] + rest["results"]]
    assert seqs == list(range(1, len(seqs) + 1))
    assert answered(editor.get("deploys/1/events/", after=seqs[-1]), 200)["results"] == []
    for odd in ("-1", "x", "1.5", "9" * 30, "²"):
        refused(editor.get("deploys/1/events/", after=odd), 400, "invalid")


def test_the_tree_and_a_file_of_a_release(location, editor):
    answered(editor.push({"lib/a.html": b"<script>alert(1)</script>", "run.sh": b"#!/bin/sh\n"}), 202)
    ended(1)

    tree = answered(editor.get("deploys/1/bundles/dags/"), 200)
    file = editor.get("deploys/1/bundles/dags/files/", path="lib/a.html")

    assert [line["path"] for line in tree["files"]] == ["lib/a.html", "run.sh"]
    assert set(tree["files"][0]) == {"path", "mode", "sha256", "size"}
    assert b"".join(file.streaming_content) == b"<script>alert(1)</script>"
    assert file["Content-Type"] == "application/octet-stream"
    assert file["Content-Disposition"] == 'attachment; filename="file"'
    assert file["X-Content-Type-Options"] == "nosniff"
    assert file["Cache-Control"] == "private"
    assert "default-src 'self'" in file["Content-Security-Policy"]
    for path in ("", "nothing.py", "../lib/a.html", "/etc/passwd", "lib", "lib/a.html\0", "\0"):
        refused(editor.get("deploys/1/bundles/dags/files/", path=path), 404, "not_found")
    for mount in ("src", "dags/../dags", "dags/lib", "%00", "..%2f"):
        refused(editor.get(f"deploys/1/bundles/{mount}/"), 404, "not_found")


def test_the_tree_of_what_was_purged_is_gone(location, editor):
    answered(editor.push(ONE), 202)
    deploy = ended(1)
    deploy.release.mounts.get().bundle.__class__.objects.update(purged_at=deploy.finished_at)

    refused(editor.get("deploys/1/bundles/dags/"), 409, "artifact_gone")
    refused(editor.get("deploys/1/bundles/dags/files/", path="a.py"), 409, "artifact_gone")
