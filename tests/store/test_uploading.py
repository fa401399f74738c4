"""An upload …"""

import io
from datetime import timedelta

import pytest
from django.utils import timezone

from deployments.access import Role
from deployments.models import Blob, BlobPossession, Bundle
from portal.common.problems import Absent, Invalid, NotAllowed, Refusal, TooLarge
from tests.factories import deploy, make_location, make_member, make_organization, manifest_of, push, upload
from tests.store.bytes import objects, register, send, sha256_of, spooled, use_full_disk

pytestmark = [pytest.mark.django_db, pytest.mark.services]

ONE, TWO = b"version = 1\n", b"version = 2\n"
FILES = {"a.py": ONE, "lib/b.py": TWO, "lib/same.py": ONE}


def test_is_complete_when_every_byte_came():
    acme = make_organization()

    made = register(acme, FILES)
    send(acme, ONE)
    half = register(acme, FILES)
    send(acme, TWO)
    whole = register(acme, FILES)

    assert made.missing == sorted({sha256_of(ONE), sha256_of(TWO)})
    assert half.missing == [sha256_of(TWO)]
    assert whole.missing == []
    assert whole.bundle == made.bundle
    assert (whole.bundle.file_count, whole.bundle.size) == (3, 36)
    assert whole.bundle.completed_at
    assert half.bundle.completed_at is None


def test_of_the_same_tree_in_another_order_is_the_same_bundle():
    acme = make_organization()

    first = register(acme, FILES)
    again = register(acme, manifest_of(FILES)[::-1])

    assert again.bundle == first.bundle
    assert first.bundle.files.count() == 3


def test_of_an_empty_tree_is_complete_at_once():
    assert register(make_organization(), {}).missing == []


def test_needs_the_right_to_deploy_somewhere_in_the_organization():
    location = make_location()
    acme = location.deployment.organization
    viewer = make_member(Role.VIEWER, acme)
    deployer = make_member(Role.DEPLOYER, location.deployment)

    register(acme, FILES, actor=deployer)
    send(acme, ONE, actor=deployer)

    for attempt in (lambda: register(acme, FILES, actor=viewer), lambda: send(acme, ONE, actor=viewer)):
        with pytest.raises(NotAllowed):
            attempt()


def test_that_no_manifest_announced_is_refused():
    acme, globex = make_organization(), make_organization("globex")
    register(globex, FILES)

    with pytest.raises(Absent) as refused:
        send(acme, ONE)

    assert refused.value.code == "blob_not_expected"
    assert objects() == []


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        (ONE[:-1], "11 bytes came, the manifest says 12"),
        (b"", "0 bytes came, the manifest says 12"),
        (ONE[:-1] + b"X", "do not hash"),
        (ONE + b"X", "More bytes came than the 12"),
    ],
)
def test_of_other_bytes_than_announced_leaves_nothing(sent: bytes, words: str):
    acme = make_organization()
    register(acme, {"a.py": ONE})

    with pytest.raises(Refusal, match=words) as refused:
        send(acme, sent, sha256=sha256_of(ONE))

    assert refused.value.code == "blob_mismatch"
    assert refused.value.status in {400, 413}
    assert objects() == spooled() == []
    assert not BlobPossession.objects.exists()
    assert register(acme, {"a.py": ONE}).missing == [sha256_of(ONE)]


def test_that_never_ends_is_stopped_where_the_announced_size_ends():
    acme = make_organization()
    register(acme, {"a.py": ONE})
    endless = Endless()

    with pytest.raises(TooLarge):
        send(acme, ONE, stream=endless)

    assert endless.given <= 2 * 1024 * 1024


class Endless(io.RawIOBase):
    """A stream without an end."""

    given = 0

    def read(self, size: int = -1) -> bytes:
        self.given += size
        return b"x" * size


def test_finds_the_disk_full_and_leaves_nothing_half_done(settings):
    location = make_location()
    acme, working = location.deployment.organization, settings.STORAGES
    use_full_disk(settings)
    register(acme, {"a.py": ONE})

    with pytest.raises(Refusal, match="disk is full: nothing was stored") as refused:
        send(acme, ONE)

    assert (refused.value.code, refused.value.status) == ("store_full", 507)
    assert objects() == spooled() == []
    assert not BlobPossession.objects.exists()
    assert Blob.objects.get().storage_key == ""
    with pytest.raises(Refusal) as incomplete:
        push_registered(location)
    assert incomplete.value.code == "incomplete_bundle"
    settings.STORAGES = working
    assert push(location, {"a.py": ONE}).number == 1


def push_registered(location):
    """Push the bundle that was announced and never came."""
    from deployments import operations
    from tests.factories import superuser

    asked = operations.Push(parts={"bundles": {"dags": Bundle.objects.get().digest}})
    return operations.create_deploy(location=location, push=asked, actor=superuser(), now=timezone.now())


def test_over_the_quota_is_refused_before_a_byte_comes():
    acme = make_organization()
    acme.quota_bytes = len(ONE) + len(TWO) - 1
    acme.save()
    upload(acme, {"a.py": ONE})

    with pytest.raises(TooLarge, match="has 12 bytes and would have 24: its quota is 23") as refused:
        register(acme, {"b.py": TWO})

    assert refused.value.code == "over_quota"
    assert Bundle.objects.count() == 1
    assert register(acme, {"elsewhere/a.py": ONE}).missing == []


def test_up_to_the_quota_is_taken():
    acme = make_organization()
    acme.quota_bytes = len(ONE) + len(TWO)
    acme.save()

    upload(acme, FILES)

    assert BlobPossession.objects.filter(organization=acme).count() == 2


def test_under_the_portals_own_quota_when_the_organization_has_none(settings):
    settings.LASTGOOD_QUOTA_BYTES = 5

    with pytest.raises(TooLarge) as refused:
        register(make_organization(), FILES)

    assert refused.value.code == "over_quota"


def test_again_of_what_is_here_changes_nothing():
    acme = make_organization()
    upload(acme, FILES)
    before = list(Blob.objects.order_by("pk").values())

    send(acme, ONE)

    assert list(Blob.objects.order_by("pk").values()) == before
    assert len(objects()) == 2


def test_with_a_wrong_size_beside_the_right_one_stays_incomplete_and_harms_nobody():
    location = make_location()
    acme = location.deployment.organization
    wrong = manifest_of({"a.py": ONE})
    wrong[0]["size"] += 1
    lying = register(acme, wrong).bundle
    register(acme, {"a.py": ONE})

    send(acme, ONE)

    assert deploy(location, {"a.py": ONE}).status == "SUCCEEDED"
    from deployments.bundles import store

    assert not store.complete(lying, now=timezone.now())
    with pytest.raises(Invalid, match="does not have 13 bytes"):
        register(acme, wrong)


def test_goes_on_where_it_stopped_a_day_later():
    acme = make_organization()
    register(acme, FILES, now=timezone.now() - timedelta(hours=23))
    send(acme, ONE)

    assert register(acme, FILES).missing == [sha256_of(TWO)]
