"""A push …"""

import pytest
from django.utils import timezone

from deployments import operations
from deployments.access import Role
from deployments.models import Deploy
from deployments.states import DeployKind, DeployStatus
from portal.common.problems import NotAllowed
from tests.factories import (
    carry_out,
    deploy,
    fresh,
    make_deployment,
    make_location,
    make_member,
    make_organization,
    push,
    superuser,
    upload,
)
from tests.operations.asking import ONE, THREE, TWO, cancel, in_place, lines, push_parts, refusal
from tests.store.bytes import register

pytestmark = [pytest.mark.django_db, pytest.mark.services]


def push_digest(location, digest: str | None, mount: str = "dags") -> Deploy:
    """Push a bundle by its digest."""
    asked = operations.Push(parts={"bundles": {mount: digest}})
    return operations.create_deploy(location=location, push=asked, actor=superuser(), now=timezone.now())


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ({"bundles": {"dags": ONE}}, DeployKind.DAGS),
        ({"bundles": {"dags": ONE}, "runtime_version": "3.1-2"}, DeployKind.DAGS),
        ({"bundles": {"dags": ONE}, "image": "shop:1"}, DeployKind.IMAGE_AND_DAGS),
        ({"bundles": {"src": ONE}, "image": "shop:1"}, DeployKind.IMAGE),
        ({"bundles": {"dbt": ONE}}, DeployKind.DBT),
        ({"bundles": {"dbt/shop": ONE, "dbt/crm": TWO}}, DeployKind.DBT),
        ({"bundles": {"dbt/shop": ONE, "dags": TWO}}, DeployKind.BUNDLE),
        ({"bundles": {"src": ONE}}, DeployKind.BUNDLE),
        ({"bundles": {"dags": ONE, "src": TWO}}, DeployKind.BUNDLE),
    ],
)
def test_is_named_by_the_parts_that_it_changes(said, kind: DeployKind):
    assert push_parts(make_location(), **said).kind == kind


NOTHING_TO_PUT = [
    {},
    {"bundles": {}},
    {"image": "shop:1"},
    {"runtime_version": "3"},
    {"bundles": {}, "image": "shop:1"},
]


@pytest.mark.parametrize("parts", NOTHING_TO_PUT)
def test_that_the_target_cannot_put_is_refused(parts):
    location = make_location()
    asked = operations.Push(parts=parts)

    refused = refusal(
        lambda: operations.create_deploy(location=location, push=asked, actor=superuser(), now=timezone.now())
    )

    assert (refused.code, refused.status) == ("nothing_to_put", 400)
    assert not Deploy.objects.exists()


def test_keeps_who_what_and_where_from():
    location = make_location()
    machine = make_member(Role.DEPLOYER, location.deployment, name="ci")

    made = push(
        location,
        ONE,
        actor=machine,
        description="Add orders",
        git={"commit": "abc"},
        metadata={"run": 7},
        source_position=3,
    )

    assert (made.number, made.status, made.actor_name, made.actor_kind) == (1, DeployStatus.QUEUED, "ci", "person")
    assert (made.description, made.git, made.metadata, made.source_position) == (
        "Add orders",
        {"commit": "abc"},
        {"run": 7},
        3,
    )
    assert lines(made) == "Accepted."


def test_needs_the_right_to_deploy():
    location = make_location()
    digest = upload(location.deployment.organization, ONE)
    viewer = make_member(Role.VIEWER, location.deployment)

    with pytest.raises(NotAllowed):
        operations.create_deploy(
            location=location,
            push=operations.Push(parts={"bundles": {"dags": digest}}),
            actor=viewer,
            now=timezone.now(),
        )

    assert not Deploy.objects.exists()


def test_of_an_unknown_bundle_is_refused():
    location = make_location()

    refused = refusal(lambda: push_digest(location, "0" * 64))

    assert (refused.code, refused.status) == ("unknown_bundle", 400)
    assert "post its manifest" in refused.detail
    assert not Deploy.objects.exists()
    assert fresh(location).next_number == 1


def test_of_another_organizations_bundle_is_refused_as_unknown():
    location = make_location()
    digest = upload(make_organization("globex"), ONE)

    assert refusal(lambda: push_digest(location, digest)).code == "unknown_bundle"


def test_of_an_incomplete_bundle_is_refused():
    location = make_location()
    made = register(location.deployment.organization, ONE)

    refused = refusal(lambda: push_digest(location, made.bundle.digest))

    assert (refused.code, refused.status) == ("incomplete_bundle", 409)
    assert made.bundle.version in refused.detail
    assert not Deploy.objects.exists()


@pytest.mark.parametrize("mount", ["../up", "/etc", "a//b", "", "-x", "a\0"])
def test_at_an_odd_mount_is_refused(mount: str):
    location = make_location()
    digest = upload(location.deployment.organization, ONE)

    assert refusal(lambda: push_digest(location, digest, mount)).code == "bad_mount"


def test_is_refused_when_something_else_is_live_than_expected():
    location = make_location()
    push_parts(location, bundles={"dags": ONE}, expected_live=0)
    carry_out(Deploy.objects.get())

    refused = refusal(lambda: push_parts(location, bundles={"dags": TWO}, expected_live=0))

    assert (refused.code, refused.status) == ("outdated", 409)
    assert "#1 is live" in refused.detail
    assert push_parts(location, bundles={"dags": TWO}, expected_live=1).number == 2


def test_that_is_older_than_one_that_came_before_is_refused():
    location = make_location()
    deploy(location, TWO, source_position=20)

    refused = refusal(lambda: push(location, ONE, source_position=19))

    assert refused.code == "outdated"
    assert "position 19" in refused.detail
    assert push(location, THREE, source_position=20).number == 2


def test_is_not_measured_by_a_canceled_one():
    location = make_location()
    cancel(push(location, TWO, source_position=20))

    assert push(location, ONE, source_position=19).status == DeployStatus.QUEUED


def test_supersedes_a_waiting_one_of_which_it_brings_every_part():
    location = make_location()
    older = push(location, ONE)

    newer = push_parts(location, bundles={"dags": TWO, "src": ONE})

    older.refresh_from_db()
    assert (older.status, older.superseded_by, older.error["code"]) == (DeployStatus.SUPERSEDED, newer, "superseded")
    assert older.finished_at
    assert "#2 brings newer versions" in lines(older)


@pytest.mark.parametrize(
    "older",
    [{"bundles": {"dags": ONE, "src": ONE}}, {"bundles": {"src": ONE}}, {"bundles": {"dags": ONE}, "image": "a:1"}],
)
def test_leaves_a_waiting_one_alone_that_brings_something_else(older):
    location = make_location()
    first = push_parts(location, **older)

    push(location, TWO)

    assert Deploy.objects.get(pk=first.pk).status == DeployStatus.QUEUED


def test_of_one_part_and_a_push_of_another_both_end_up_live():
    location = make_location()
    dags = push_parts(location, bundles={"dags": ONE}, runtime_version="3.1-2")
    dbt = push_parts(location, bundles={"dbt/shop": TWO}, image="shop:2@sha256:" + "0" * 64)

    carry_out(dbt)  # not its turn
    carry_out(dags)
    live = carry_out(dbt)

    assert in_place(location) == {"dags/a.py": ONE["a.py"], "dbt/shop/a.py": TWO["a.py"]}
    assert live.origins == {"bundle:dags": 1, "runtime_version": 1, "bundle:dbt/shop": 2, "image": 2}
    assert (live.release.runtime_version, live.release.image_digest) == ("3.1-2", "sha256:" + "0" * 64)
    assert live.previous == dags


def test_with_null_takes_a_mount_away():
    location = make_location()
    carry_out(push_parts(location, bundles={"dags": ONE, "src": TWO}))

    live = carry_out(push_digest(location, None, "src"))

    assert in_place(location) == {"dags/a.py": ONE["a.py"]}
    assert live.origins == {"bundle:dags": 1}


def test_with_null_for_a_mount_that_is_not_there_changes_nothing():
    location = make_location()
    first = deploy(location, ONE)

    again = carry_out(push_digest(location, None, "src"))

    assert again.status == DeployStatus.SUCCEEDED
    assert again.release == first.release


def test_with_mounts_inside_each_other_is_refused():
    location = make_location()

    refused = refusal(lambda: push_parts(location, bundles={"dags": ONE, "dags/inner": TWO}))

    assert (refused.code, refused.status) == ("bad_mount", 400)


def test_with_a_mount_inside_a_live_one_is_refused_unless_it_replaces_it():
    location = make_location()
    deploy(location, ONE)

    assert refusal(lambda: push_parts(location, bundles={"dags/inner": TWO})).code == "bad_mount"
    assert push_parts(location, bundles={"dags": None, "dags/inner": TWO}).number == 2


def test_with_a_mount_inside_one_that_went_live_meanwhile_fails_before_it_is_put_in_place():
    location = make_location()
    outer = push_parts(location, bundles={"dags": ONE})
    inner = push_parts(location, bundles={"dags/inner": TWO})
    carry_out(outer)

    ended = carry_out(inner)

    assert (ended.status, ended.error["code"]) == (DeployStatus.FAILED, "bad_mount")
    assert in_place(location) == {"dags/a.py": ONE["a.py"]}


def test_of_what_is_live_is_one_more_act_of_the_same_release():
    location = make_location()
    first, again = deploy(location, ONE), deploy(location, ONE)

    assert again.status == DeployStatus.SUCCEEDED
    assert again.release == first.release
    assert fresh(location).live_deploy == again
    assert fresh(location).placed_deploy == again


def test_is_placed_beside_another_deployments_of_the_same_name():
    acme = make_organization()
    prod, staging = (make_location(make_deployment(acme, slug)) for slug in ("production", "staging"))

    deploy(prod, ONE)
    deploy(staging, TWO)

    assert (in_place(prod), in_place(staging)) == ({"dags/a.py": ONE["a.py"]}, {"dags/a.py": TWO["a.py"]})
