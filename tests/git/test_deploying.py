"""A branch's head becomes a deploy …"""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.utils import timezone

from deployments import operations, sourcing
from deployments.models import BlobPossession, Bundle, Deploy, DeployEvent
from deployments.states import ActorKind, DeployKind, DeployStatus
from tests.factories import carry_out, make_location, make_organization, roll_back, superuser
from tests.git.acting import DAGS, code_of, fresh, look, set_up
from tests.git.repositories import AUTHOR, Repository

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("by_file")]


def in_place(deploy: Deploy) -> dict[str, bytes]:
    """Answer the files that the target has."""
    place = deploy.code_location
    organization = place.deployment.organization.slug
    root = Path(django_settings.LASTGOOD_TARGET_ROOT) / organization / place.deployment.slug / place.name / "current"
    files = (path for path in root.rglob("*") if path.is_file() and ".lastgood" not in path.parts)
    return {str(path.relative_to(root)): path.read_bytes() for path in files}


def test_with_commit_branch_author_and_message_and_is_put_in_place(shop, repository: Repository):
    source = set_up(shop, repository)

    deploy = look(source)

    assert deploy is not None
    assert (deploy.kind, deploy.status) == (DeployKind.GIT, DeployStatus.QUEUED)
    assert (deploy.actor, deploy.actor_name, deploy.actor_kind) == (None, "Git", ActorKind.SYSTEM)
    assert deploy.git == {
        "commit": repository.head(),
        "url": repository.url,
        "branch": "main",
        "author": AUTHOR,
        "message": "First\n\nWith a body.",
        "committed_at": repository.run("log", "-1", "main", "--date=format-local:%FT%TZ", "--format=%cd", TZ="UTC"),
    }
    assert deploy.description == "First"
    now = fresh(source)
    assert (now.fetched_commit, now.last_deploy, now.error, now.failures) == (repository.head(), deploy, None, 0)
    assert now.lease_expires_at is None
    assert timedelta(seconds=55) < now.due_at - timezone.now() < timedelta(seconds=61)
    assert carry_out(deploy).status == DeployStatus.SUCCEEDED
    assert in_place(deploy) == {"dags/a.py": b"a = 1\n"}


def test_at_the_mount_that_was_chosen(shop, repository: Repository):
    deploy = look(set_up(shop, repository, folder="", mount="dbt/shop"))

    carry_out(deploy)

    assert set(in_place(deploy)) == {"dbt/shop/dags/a.py", "dbt/shop/README"}
    assert deploy.kind == DeployKind.GIT


def test_once(shop, repository: Repository):
    source = set_up(shop, repository)

    assert look(source) is not None
    assert look(source) is None
    assert look(source) is None
    assert shop.deploys.count() == 1


def test_and_again_when_there_is_a_new_one(shop, repository: Repository):
    source = set_up(shop, repository)
    first = look(source)
    repository.commit({"dags/a.py": b"a = 2\n"}, "Second")

    second = look(source)

    assert second.git["message"] == "Second"
    assert Deploy.objects.get(pk=first.pk).status == DeployStatus.SUPERSEDED
    assert Deploy.objects.get(pk=first.pk).superseded_by == second


def test_also_when_the_branch_was_forced_back(shop, repository: Repository):
    old = repository.head()
    source = set_up(shop, repository)
    look(source)
    repository.commit({"dags/a.py": b"a = 2\n"})
    look(source)
    repository.point("main", old)

    assert look(source).git["commit"] == old


def test_only_the_newest_of_many(shop, repository: Repository):
    source = set_up(shop, repository)
    for number in range(5):
        head = repository.commit({"dags/a.py": f"a = {number}\n".encode()})

    deploy = look(source)

    assert (deploy.git["commit"], shop.deploys.count()) == (head, 1)


def test_that_moved_between_asking_and_fetching_as_it_is_then(shop, repository: Repository, monkeypatch):
    source = set_up(shop, repository)
    asked = sourcing.head_of

    def meanwhile(turn: Any) -> str:
        found = asked(turn)
        repository.commit({"dags/a.py": b"later\n"})
        return found

    monkeypatch.setattr(sourcing, "head_of", meanwhile)

    deploy = look(source)

    assert deploy.git["commit"] == repository.head() == fresh(source).fetched_commit


def test_that_moved_back_between_asking_and_fetching_is_nothing_new(shop, repository: Repository, monkeypatch):
    source = set_up(shop, repository)
    look(source)
    old = repository.head()
    repository.commit({"dags/a.py": b"later\n"})
    asked = sourcing.head_of

    def meanwhile(turn: Any) -> str:
        found = asked(turn)
        repository.point("main", old)
        return found

    monkeypatch.setattr(sourcing, "head_of", meanwhile)

    assert look(source) is None
    assert shop.deploys.count() == 1


def test_is_held_while_the_location_is_held_and_goes_live_when_it_is_resumed(shop, repository: Repository):
    source = set_up(shop, repository)
    carry_out(look(source))
    repository.commit({"dags/a.py": b"a = 2\n"}, "Bad")
    carry_out(look(source))
    roll_back(shop, 1)
    repository.commit({"dags/a.py": b"a = 3\n"}, "Better")

    held = look(source)

    assert held.status == DeployStatus.HELD
    operations.resume(location=shop, actor=superuser(), now=timezone.now())
    assert carry_out(Deploy.objects.get(pk=held.pk)).status == DeployStatus.SUCCEEDED
    assert in_place(held) == {"dags/a.py": b"a = 3\n"}


def test_is_refused_for_good_when_a_rollback_left_its_code(shop, repository: Repository):
    source = set_up(shop, repository)
    carry_out(look(source))
    repository.commit({"dags/a.py": b"bad\n"}, "Bad")
    carry_out(look(source))
    roll_back(shop, 1)
    head = repository.commit({"dags/a.py": b"bad\n"}, "Bad, under another name")

    assert look(source) is None

    now = fresh(source)
    assert (now.error["code"], now.fetched_commit, now.failures) == ("blocked", head, 0)
    assert look(source) is None
    assert code_of(source) == "blocked", "Whoever looks must still find out why the head is not deployed."


def test_that_was_refused_is_tried_again_when_somebody_asks(shop, repository: Repository):
    source = set_up(shop, repository, folder="later")
    assert look(source) is None
    assert code_of(source) == "empty_folder"
    assert fresh(source).fetched_commit == repository.head()

    operations.fetch_now(source=source, actor=superuser(), now=timezone.now())

    assert (fresh(source).fetched_commit, fresh(source).error) == ("", None)
    assert operations.fetch_source(source.pk, clock=timezone.now) is None
    assert code_of(source) == "empty_folder"


@pytest.mark.parametrize(
    ("files", "links", "code"),
    [
        ({"README": b""}, {}, "empty_folder"),
        (DAGS, {"dags/evil": "../../etc/passwd"}, "link_outside"),
        ({f"dags/{number}": b"" for number in range(4)}, {}, "too_many_files"),
        ({"dags/a": b"x" * 101}, {}, "file_too_large"),
        ({"dags/a": b"x" * 90, "dags/b": b"y" * 90}, {}, "bundle_too_large"),
        ({"dags/A.py": b"1", "dags/a.py": b"2"}, {}, "bad_manifest"),
        ({"dags/" + "x" * 200 + "/" + "y" * 200: b""}, {}, "bad_manifest"),
    ],
)
def test_is_refused_for_good_when_its_files_cannot_be_taken(
    shop, repository: Repository, settings, files: dict[str, bytes], links: dict[str, str], code: str
):
    settings.LASTGOOD_MAX_FILES, settings.LASTGOOD_MAX_FILE_BYTES, settings.LASTGOOD_MAX_BUNDLE_BYTES = 3, 100, 150
    settings.LASTGOOD_MAX_PATH_LENGTH = 300
    head = repository.commit(files, links=links)
    source = set_up(shop, repository)

    assert look(source) is None
    assert (code_of(source), fresh(source).fetched_commit) == (code, head)
    assert not shop.deploys.exists()
    # The next commit is another matter.
    settings.LASTGOOD_MAX_FILE_BYTES = 1000
    repository.commit(DAGS)
    assert look(source) is not None
    assert code_of(source) is None


def test_is_tried_again_when_the_quota_was_what_stood_in_the_way(shop, repository: Repository, settings):
    settings.LASTGOOD_QUOTA_BYTES = 1
    source = set_up(shop, repository)

    assert look(source) is None
    assert (code_of(source), fresh(source).fetched_commit, fresh(source).failures) == ("over_quota", "", 1)
    settings.LASTGOOD_QUOTA_BYTES = 1_000_000
    assert look(source) is not None


def test_without_its_submodules_and_says_so(shop, repository: Repository):
    repository.commit(DAGS, submodules=("dags/vendor/lib",))

    deploy = look(set_up(shop, repository))

    assert deploy.metadata == {"submodules_left_out": ["vendor/lib"]}
    assert DeployEvent.objects.get(deploy=deploy, level="WARNING").message == (
        "Submodules are not fetched: vendor/lib will be missing."
    )


def test_of_files_that_only_its_own_organization_possesses(shop, repository: Repository):
    other = make_organization("globex")
    bundle = look(set_up(shop, repository)).bundles.get()

    assert bundle.completed_at is not None
    assert set(BlobPossession.objects.values_list("organization__slug", flat=True)) == {"acme"}
    assert not Bundle.objects.filter(organization=other).exists()


def test_with_executables_as_executables(shop, repository: Repository):
    repository.commit({"dags/run.sh": b"#!/bin/sh\n", "dags/a.py": b""}, executables=("dags/run.sh",))

    files = look(set_up(shop, repository)).bundles.get().files

    assert dict(files.values_list("path", "executable")) == {"run.sh": True, "a.py": False}


def test_of_a_message_as_one_line_and_not_without_end(shop, repository: Repository):
    repository.commit(DAGS, "x" * 9000 + "\n\n" + "\x1b[31mred")

    deploy = look(set_up(shop, repository))

    assert len(deploy.description) == 200
    assert len(deploy.git["message"]) == 5000


def test_of_a_deploy_that_is_tried_again_stays_one_of_git(shop, repository: Repository):
    deploy = look(set_up(shop, repository))
    operations.cancel(deploy=deploy, actor=superuser(), now=timezone.now())

    again = operations.retry(deploy=deploy, actor=superuser(), now=timezone.now())

    assert (again.kind, again.git, again.actor_name) == (DeployKind.GIT, deploy.git, "root")


def test_only_where_it_is_set_up(shop, repository: Repository):
    make_location(shop.deployment, "other")

    look(set_up(shop, repository))

    assert set(Deploy.objects.values_list("code_location__name", flat=True)) == {"shop"}
