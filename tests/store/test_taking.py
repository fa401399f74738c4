"""What the portal itself brings into the store …"""

import io
from collections.abc import Callable

import pytest
from django.utils import timezone

from deployments.bundles import store
from deployments.bundles.taking import Offered, take
from deployments.models import Blob, BlobPossession, Bundle, Organization
from portal.common.problems import Invalid, TooLarge
from tests.factories import make_organization, upload

pytestmark = [pytest.mark.django_db, pytest.mark.services]


def offered(files: dict[str, bytes], opened: list[str] | None = None) -> list[Offered]:
    """Offer the files, and note which are opened."""

    def opener(path: str) -> Callable[[], io.BytesIO]:
        def open_it() -> io.BytesIO:
            if opened is not None:
                opened.append(path)
            return io.BytesIO(files[path])

        return open_it

    return [Offered(path, path.endswith(".sh"), opener(path)) for path in files]


def taken(organization: Organization, files: dict[str, bytes], opened: list[str] | None = None) -> Bundle:
    return take(organization=organization, files=offered(files, opened), now=timezone.now())


def test_is_the_same_bundle_that_a_client_would_have_uploaded():
    acme = make_organization()
    files = {"a.py": b"a", "lib/b.py": b"b", "empty": b""}

    bundle = taken(acme, files)

    assert bundle.completed_at is not None
    assert bundle.digest == upload(acme, files)
    assert store.complete(bundle, now=timezone.now())


def test_keeps_which_files_are_executable():
    files = taken(make_organization(), {"run.sh": b"#", "a.py": b"a"}).files

    assert dict(files.values_list("path", "executable")) == {"run.sh": True, "a.py": False}


def test_reads_a_second_time_only_what_is_new():
    acme, opened = make_organization(), []
    taken(acme, {"a.py": b"a", "b.py": b"b"})

    taken(acme, {"a.py": b"a", "c.py": b"c", "same.py": b"c"}, opened)

    assert sorted(opened) == ["a.py", "c.py", "c.py", "same.py"]
    assert Blob.objects.count() == 3


def test_is_possessed_by_its_organization_alone():
    acme = make_organization()
    make_organization("globex")

    taken(acme, {"a.py": b"a"})

    assert list(BlobPossession.objects.values_list("organization_id", flat=True)) == [acme.pk]


def test_that_changes_while_it_is_read_is_refused():
    contents = iter([b"first", b"later"])

    with pytest.raises(Invalid) as refused:
        take(
            organization=make_organization(),
            files=[Offered("a.py", False, lambda: io.BytesIO(next(contents)))],
            now=timezone.now(),
        )

    assert refused.value.code == "blob_mismatch"
    assert not Bundle.objects.exclude(completed_at=None).exists()


def test_that_is_over_the_quota_is_refused(settings):
    settings.LASTGOOD_QUOTA_BYTES = 1

    with pytest.raises(TooLarge):
        taken(make_organization(), {"a.py": b"more"})


@pytest.mark.parametrize("path", ["../a", "/a", "a/../b", "a\\b", "a\0"])
def test_with_paths_that_lead_elsewhere_is_refused(path: str):
    with pytest.raises(Invalid) as refused:
        taken(make_organization(), {path: b""})

    assert refused.value.code == "bad_manifest"
