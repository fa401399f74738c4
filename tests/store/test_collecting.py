"""A collection …"""

import io
from datetime import timedelta

import pytest
from django.utils import timezone

from deployments.bundles.collecting import GRACE, collect
from deployments.models import Blob, BlobPossession, Bundle, BundleFile
from portal.common.problems import Absent
from tests.factories import make_location, make_organization, push, superuser, upload
from tests.operations.racing import at_once
from tests.store.bytes import objects, register, send, sha256_of

pytestmark = [pytest.mark.django_db, pytest.mark.services]

ONE, TWO = b"version = 1\n", b"version = 2\n"
DAY, MOMENT = timedelta(days=1), timedelta(seconds=1)


def forget_all(organization) -> None:
    """Take away the organization's manifests, as a purge does."""
    BundleFile.objects.filter(bundle__organization=organization).delete()
    Bundle.objects.filter(organization=organization).update(purged_at=timezone.now(), completed_at=None)


def test_marks_what_nothing_names_and_sweeps_it_after_the_grace():
    acme, now = make_organization(), timezone.now()
    upload(acme, {"a.py": ONE})
    forget_all(acme)

    marked = collect(now=now)
    early = collect(now=now + GRACE)
    swept = collect(now=now + GRACE + MOMENT)

    assert (marked.blobs_swept, early.blobs_swept, swept.blobs_swept) == (0, 0, 1)
    assert swept.bytes_freed == len(ONE)
    assert objects() == []
    assert not Blob.objects.exists()
    assert not BlobPossession.objects.exists()


def test_keeps_what_was_named_again_between_mark_and_sweep():
    acme, now = make_organization(), timezone.now()
    upload(acme, {"a.py": ONE})
    forget_all(acme)
    collect(now=now)

    again = register(acme, {"b.py": ONE})
    swept = collect(now=now + 2 * GRACE)

    assert again.missing == []
    assert swept.blobs_swept == 0
    assert objects()[0].read_bytes() == ONE
    assert Blob.objects.get().marked_at is None


def test_takes_the_mark_off_what_is_named():
    upload(make_organization(), {"a.py": ONE})
    Blob.objects.update(marked_at=timezone.now() - DAY)

    assert collect(now=timezone.now()).blobs_swept == 0
    assert Blob.objects.get().marked_at is None


def test_keeps_what_another_organization_names():
    acme, globex, now = make_organization(), make_organization("globex"), timezone.now()
    upload(acme, {"a.py": ONE, "b.py": TWO})
    upload(globex, {"c.py": ONE})
    forget_all(acme)

    collect(now=now)
    swept = collect(now=now + 2 * GRACE)

    assert swept.bytes_freed == len(TWO)
    assert [path.read_bytes() for path in objects()] == [ONE]


def test_forgets_uploads_that_nobody_took_up():
    acme, now = make_organization(), timezone.now()
    upload(acme, {"a.py": ONE})
    Bundle.objects.update(touched_at=now)

    kept = collect(now=now + DAY)
    forgotten = collect(now=now + DAY + MOMENT)

    assert (kept.uploads_forgotten, forgotten.uploads_forgotten) == (0, 1)
    assert not Bundle.objects.exists()
    assert Blob.objects.get().marked_at


def test_does_not_forget_an_upload_that_goes_on():
    acme, now = make_organization(), timezone.now()
    register(acme, {"a.py": ONE}, now=now - 2 * DAY)
    register(acme, {"a.py": ONE}, now=now - DAY + MOMENT)

    assert collect(now=now).uploads_forgotten == 0


def test_does_not_forget_what_a_waiting_deploy_names():
    location = make_location()
    push(location, {"a.py": ONE})

    assert collect(now=timezone.now() + 30 * DAY).uploads_forgotten == 0
    assert collect(now=timezone.now() + 40 * DAY).blobs_swept == 0


def test_sweeps_the_row_also_when_the_bytes_cannot_be_deleted(caplog):
    acme, now = make_organization(), timezone.now()
    upload(acme, {"a.py": ONE})
    forget_all(acme)
    collect(now=now)
    stored = objects()[0]
    stored.unlink()
    (stored / "in the way").mkdir(parents=True)

    assert collect(now=now + 2 * GRACE).blobs_swept == 1
    assert not Blob.objects.exists()
    assert "could not be deleted" in caplog.text


@pytest.mark.django_db(transaction=True)
def test_beside_an_upload_that_takes_too_long_ends_that_upload_cleanly():
    acme, now = make_organization(), timezone.now()
    superuser()
    register(acme, {"a.py": ONE}, now=now)

    with pytest.raises(Absent) as refused:
        send(acme, ONE, stream=Interrupted(ONE, lambda: sweep_everything(now + 2 * DAY)))

    assert refused.value.code == "blob_not_expected"
    assert objects() == []
    assert not Blob.objects.exists()
    assert not BlobPossession.objects.exists()
    upload(acme, {"a.py": ONE})
    assert len(objects()) == 1


@pytest.mark.django_db(transaction=True)
def test_beside_an_upload_that_was_announced_again_keeps_it():
    acme, now = make_organization(), timezone.now()
    superuser()
    register(acme, {"a.py": ONE}, now=now)

    def meanwhile() -> None:
        sweep_everything(now + 2 * DAY)
        register(acme, {"a.py": ONE}, now=now + 2 * DAY)

    with pytest.raises(Absent):
        send(acme, ONE, stream=Interrupted(ONE, meanwhile))

    # The row is a new one: the client asks what is missing, and sends it.
    assert register(acme, {"a.py": ONE}).missing == [sha256_of(ONE)]
    send(acme, ONE)
    assert register(acme, {"a.py": ONE}).missing == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("seed", range(5))
def test_that_races_an_announcement_never_takes_what_it_said_was_here(seed: int):
    acme, now = make_organization(), timezone.now()
    contents = [f"version = {number}\n".encode() for number in range(10)]
    upload(acme, {f"{number}.py": content for number, content in enumerate(contents)})
    forget_all(acme)
    collect(now=now)

    order = contents[seed:] + contents[:seed]
    results = at_once(
        lambda: collect(now=now + 2 * GRACE),
        *(lambda content=content: register(acme, {"again": content}) for content in order),
    )

    assert [result for result in results if isinstance(result, Exception)] == []
    for content, made in zip(order, results[1:], strict=True):
        stored = Blob.objects.get(sha256=sha256_of(content)).storage_key
        # What had not been taken yet may be asked for again: possession ends first. Never the other way round.
        assert stored or made.missing
    assert len(objects()) == Blob.objects.exclude(storage_key="").count()


@pytest.mark.django_db(transaction=True)
def test_never_sees_two_objects_of_one_file_that_came_five_times_at_once():
    acme = make_organization()
    superuser()
    register(acme, {"a.py": ONE})

    results = at_once(*[lambda: send(acme, ONE)] * 5)

    assert results == [None] * 5
    assert [path.read_bytes() for path in objects()] == [ONE]
    assert objects()[0].as_posix().endswith(Blob.objects.get().storage_key)


def sweep_everything(now) -> None:
    """Forget what was announced, and sweep its blobs, on a connection of another thread."""
    at_once(lambda: collect(now=now))
    at_once(lambda: collect(now=now + 2 * GRACE))


class Interrupted(io.BytesIO):
    """A stream beside whose first piece something else happens."""

    def __init__(self, content: bytes, meanwhile) -> None:
        super().__init__(content)
        self._meanwhile = meanwhile

    def read(self, size: int | None = -1) -> bytes:
        piece = super().read(size)
        if piece:
            self._meanwhile()
        return piece
