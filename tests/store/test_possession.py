"""Of bytes that two organizations have, one object is stored, and neither …"""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from deployments.models import Blob, BlobPossession
from portal.common.problems import Refusal
from tests.factories import deploy, make_deployment, make_location, make_organization, superuser, upload
from tests.store.bytes import objects, register, send, sha256_of

pytestmark = [pytest.mark.django_db, pytest.mark.services]

SHARED, OWN = b"everybody has this\n", b"nobody has this yet\n"


def test_is_stored_twice():
    acme, globex = make_organization(), make_organization("globex")

    upload(acme, {"a.py": SHARED})
    upload(globex, {"other/name.py": SHARED})

    assert len(objects()) == 1
    assert objects()[0].read_bytes() == SHARED
    assert Blob.objects.count() == 1
    assert BlobPossession.objects.count() == 2


def test_learns_from_a_manifest_what_the_other_has():
    acme, globex = make_organization(), make_organization("globex")
    upload(acme, {"a.py": SHARED})
    superuser()

    with CaptureQueriesContext(connection) as of_the_shared:
        shared = register(globex, {"a.py": SHARED})
    with CaptureQueriesContext(connection) as of_the_new:
        new = register(globex, {"b.py": OWN})

    assert shared.missing == [sha256_of(SHARED)]
    assert new.missing == [sha256_of(OWN)]
    assert len(of_the_shared) == len(of_the_new)


def test_learns_from_an_upload_what_the_other_has():
    acme, globex = make_organization(), make_organization("globex")
    upload(acme, {"a.py": SHARED})
    register(globex, {"a.py": SHARED, "b.py": OWN})

    with CaptureQueriesContext(connection) as of_the_shared:
        send(globex, SHARED)
    with CaptureQueriesContext(connection) as of_the_new:
        send(globex, OWN)

    assert [query["sql"].split()[0] for query in of_the_shared] == [query["sql"].split()[0] for query in of_the_new]


@pytest.mark.parametrize("wrong", [b"", SHARED[:-1], SHARED + b"!", SHARED[:-1] + b"!"])
def test_learns_from_wrong_bytes_what_the_other_has(wrong: bytes):
    acme, globex = make_organization(), make_organization("globex")
    upload(acme, {"a.py": SHARED})

    def answer(organization, content: bytes) -> tuple[str, str]:
        register(organization, {"a.py": content})
        with pytest.raises(Refusal) as refused:
            send(organization, wrong, sha256=sha256_of(content))
        return refused.value.code, refused.value.detail

    same_length = bytes(reversed(SHARED))
    assert answer(globex, SHARED) == answer(make_organization("initech"), same_length)


def test_learns_from_a_wrong_size_what_the_other_has():
    acme, globex = make_organization(), make_organization("globex")
    upload(acme, {"a.py": SHARED})
    line = {"path": "a.py", "mode": "0644", "sha256": sha256_of(SHARED), "size": 1}

    assert register(globex, [line]).missing == [sha256_of(SHARED)]


def test_may_deploy_what_only_the_other_uploaded():
    acme, globex = make_organization(), make_organization("globex")
    digest = upload(acme, {"a.py": SHARED})
    here = make_location(make_deployment(globex))
    register(globex, {"a.py": SHARED})

    with pytest.raises(Refusal) as refused:
        push_digest(here, digest)

    assert refused.value.code == "incomplete_bundle"
    send(globex, SHARED)
    assert push_digest(here, digest).number == 1


def test_finds_the_others_bundle_by_its_digest():
    acme, globex = make_organization(), make_organization("globex")
    digest = upload(acme, {"a.py": SHARED})
    here = make_location(make_deployment(globex))

    def refusal(name: str) -> tuple[str, str]:
        with pytest.raises(Refusal) as refused:
            push_digest(here, name)
        return refused.value.code, refused.value.detail.replace(name, "…")

    assert refusal(digest) == refusal("f" * 64)
    assert refusal(digest)[0] == "unknown_bundle"


def test_loses_its_files_when_the_other_deploys_them_too():
    acme, globex = make_organization(), make_organization("globex")
    here, there = make_location(make_deployment(acme)), make_location(make_deployment(globex))

    first, second = deploy(here, {"a.py": SHARED}), deploy(there, {"a.py": SHARED})

    assert first.status == second.status == "SUCCEEDED"
    assert len(objects()) == 1


def push_digest(location, digest: str):
    """Push a bundle by its digest."""
    from django.utils import timezone

    from deployments import operations

    asked = operations.Push(parts={"bundles": {"dags": digest}})
    return operations.create_deploy(location=location, push=asked, actor=superuser(), now=timezone.now())
