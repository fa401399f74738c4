"""A stored file whose bytes changed …"""

import pytest

from deployments.drivers import target_path
from deployments.models import Blob, Bundle
from deployments.states import DeployStatus
from portal.common.problems import Refusal
from tests.factories import (
    ask_rollback,
    carry_out,
    deploy,
    fresh,
    make_deployment,
    make_location,
    make_organization,
    push,
    roll_back,
    upload,
)
from tests.operations.asking import retry
from tests.store.bytes import damage, objects, register, send, sha256_of

pytestmark = [pytest.mark.django_db, pytest.mark.services]

ONE, TWO = b"version = 1\n", b"version = 2\n"


def content(location) -> bytes:
    """Answer what the target holds."""
    return (target_path(location) / "current/dags/a.py").read_bytes()


def test_is_found_named_and_never_put_in_place():
    location = make_location()
    deploy(location, {"a.py": ONE})
    bad = push(location, {"a.py": TWO, "lib/b.py": ONE})
    damage(TWO)

    ended = carry_out(bad)

    assert (ended.status, ended.error["code"]) == (DeployStatus.FAILED, "damaged_blob")
    assert "dags/a.py" in ended.error["detail"]
    assert sha256_of(TWO) in ended.error["detail"]
    assert "Upload that file again" in ended.error["detail"]
    assert content(location) == ONE
    assert Blob.objects.get(sha256=sha256_of(TWO)).damaged_at
    assert fresh(location).live_deploy.number == fresh(location).placed_deploy.number == 1


def test_is_found_on_a_rollback_and_the_live_version_stays():
    location = make_location()
    deploy(location, {"a.py": ONE})
    deploy(location, {"a.py": TWO})
    damage(ONE)

    ended = roll_back(location)

    assert (ended.status, ended.error["code"]) == (DeployStatus.FAILED, "damaged_blob")
    assert content(location) == TWO
    with pytest.raises(Refusal) as by_number:
        ask_rollback(location, 1)
    assert by_number.value.code == "artifact_damaged"
    with pytest.raises(Refusal) as by_name:
        ask_rollback(location)
    assert by_name.value.code == "no_last_good"


def test_that_is_gone_altogether_is_found_too():
    location = make_location()
    bad = push(location, {"a.py": ONE})
    objects()[0].unlink()

    ended = carry_out(bad)

    assert (ended.status, ended.error["code"]) == (DeployStatus.FAILED, "damaged_blob")
    assert sha256_of(ONE) in ended.error["detail"]
    assert not (target_path(location) / "current").exists()
    assert register(location.deployment.organization, {"a.py": ONE}).missing == [sha256_of(ONE)]


def test_is_healed_by_an_upload():
    location = make_location()
    deploy(location, {"a.py": ONE})
    deploy(location, {"a.py": TWO})
    damage(ONE)
    roll_back(location)

    assert register(location.deployment.organization, {"a.py": ONE}).missing == [sha256_of(ONE)]
    send(location.deployment.organization, ONE)

    assert len(objects()) == 2
    assert not Bundle.objects.filter(damaged_at__isnull=False).exists()
    assert roll_back(location).status == DeployStatus.SUCCEEDED
    assert content(location) == ONE


def test_is_healed_for_every_organization_that_has_it():
    acme, globex = make_organization(), make_organization("globex")
    here, there = make_location(make_deployment(acme)), make_location(make_deployment(globex))
    for location in (here, there):
        deploy(location, {"a.py": ONE})
        deploy(location, {"a.py": TWO})
    damage(ONE)
    roll_back(here)
    with pytest.raises(Refusal) as refused:
        ask_rollback(there, 1)
    assert refused.value.code == "artifact_damaged"

    upload(acme, {"a.py": ONE})

    assert roll_back(there, 1).status == DeployStatus.SUCCEEDED


def test_is_not_healed_by_the_same_damage():
    location = make_location()
    bad = push(location, {"a.py": ONE})
    damage(ONE)
    carry_out(bad)

    with pytest.raises(Refusal) as refused:
        send(location.deployment.organization, b"Version = 1\n", sha256=sha256_of(ONE))

    assert refused.value.code == "blob_mismatch"
    with pytest.raises(Refusal) as unhealed:
        retry(bad)
    assert unhealed.value.code == "incomplete_bundle"
