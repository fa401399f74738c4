"""A purge …"""

import pytest

from deployments import drivers, operations
from deployments.drivers import target_path
from deployments.models import Blob, Bundle, Deploy, Release
from deployments.states import DeployStatus
from deployments.targets.base import TargetUnreachable
from portal.common.problems import Refusal
from tests.factories import (
    deploy,
    fresh,
    make_deployment,
    make_location,
    make_organization,
    roll_back,
    superuser,
    upload,
)
from tests.operations.asking import current, in_place
from tests.operations.racing import at_once, told_apart
from tests.retention.days import (
    ask_rollback_on,
    carry_out_on,
    day,
    deploy_on,
    files,
    kept,
    make_short_lived_location,
    purge_on,
    release_of,
    roll_back_on,
    rules,
)
from tests.store.bytes import objects, register

pytestmark = [pytest.mark.django_db, pytest.mark.services]

LONG_AFTER = 400


@pytest.fixture
def location():
    """Answer a location with five versions, kept for ten days after they were live."""
    location = make_short_lived_location()
    for number, content in enumerate("abcde", start=1):
        deploy_on(location, number, content)
    return location


def directories(location) -> list[str]:
    """Answer the numbers of the releases in the target's folder."""
    return sorted(path.name.partition("-")[0] for path in (target_path(location) / "releases").iterdir())


def everything() -> list[object]:
    """Answer all that a purge could change."""
    models = (Release, Bundle, Blob, Deploy)
    return [list(model._default_manager.order_by("pk").values()) for model in models] + [objects()]


def test_that_is_dry_changes_nothing_and_names_the_rules(location):
    before, folders = everything(), directories(location)

    dry = purge_on(LONG_AFTER, dry_run=True)

    assert everything() == before
    assert directories(location) == folders
    assert dry.dry_run
    assert rules(dry) == rules(purge_on(LONG_AFTER))


def test_takes_the_files_and_leaves_the_rows(location):
    report = purge_on(LONG_AFTER)
    purge_on(LONG_AFTER + 1)

    assert len(report.purged) == 3
    assert location.deploys.count() == 5
    assert Release.objects.count() == 5
    gone = release_of(location, 1)
    assert gone.purged_because == "retention of 10 days ended, 2027-02-05."
    assert gone.mounts.get().bundle.purged_at
    assert gone.mounts.get().bundle.version
    assert Bundle.objects.filter(purged_at=None).count() == 2
    assert len(objects()) == Blob.objects.count() == 2
    with pytest.raises(Refusal) as refused:
        ask_rollback_on(location, LONG_AFTER, 1)
    assert refused.value.code == "artifact_gone"
    assert "retention of 10 days ended" in refused.value.detail


def test_takes_the_directories_on_the_target_and_never_the_one_in_place(location):
    report = purge_on(LONG_AFTER)

    assert directories(location) == ["4", "5"]
    assert [name.rpartition("/")[2].partition("-")[0] for name in report.directories] == ["1", "2", "3"]
    assert report.problems == []
    assert in_place(location)["dags/a.py"] == files("e")["a.py"]


def test_leaves_the_directory_that_hands_made_current(location):
    [first] = [path for path in (target_path(location) / "releases").iterdir() if path.name.startswith("1-")]
    current(location).unlink()
    current(location).symlink_to(f"releases/{first.name}")

    purge_on(LONG_AFTER)

    assert first.exists()


def test_tells_the_bytes_that_come_free(location):
    expected = sum(len(files(content)["a.py"]) for content in "abc")

    dry = purge_on(LONG_AFTER, dry_run=True)
    first = purge_on(LONG_AFTER)
    second = purge_on(LONG_AFTER + 1)

    assert dry.bytes_freed == expected
    # In two steps: what nothing names any more is swept by the next one.
    assert (first.bytes_freed, second.bytes_freed) == (0, expected)
    assert purge_on(LONG_AFTER + 2).bytes_freed == 0


def test_leaves_bytes_that_something_else_names(location):
    globex = make_location(make_deployment(make_organization("globex"), retention_days=10_000))
    deploy_on(globex, 1, "a")
    shared = files("a")["a.py"]

    dry = purge_on(LONG_AFTER, dry_run=True)
    purge_on(LONG_AFTER)
    purge_on(LONG_AFTER + 1)

    assert dry.bytes_freed == 2 * len(shared)
    assert shared in [path.read_bytes() for path in objects()]
    assert release_of(location, 1).purged_at


def test_gives_the_quota_back_though_another_organization_keeps_the_same_file(location):
    globex = make_location(make_deployment(make_organization("globex"), retention_days=10_000))
    deploy_on(globex, 1, "a")
    purge_on(LONG_AFTER)
    purge_on(LONG_AFTER + 1)

    theirs = Bundle.objects.get(organization__slug="globex")
    assert not location.deployment.organization.possessions.filter(blob__files__bundle=theirs).exists()


def test_is_undone_for_content_that_is_pushed_again(location):
    purge_on(LONG_AFTER)
    purge_on(LONG_AFTER + 1)
    assert register(location.deployment.organization, files("a")).missing

    again = deploy_on(location, LONG_AFTER + 2, "a")

    assert again.status == DeployStatus.SUCCEEDED
    assert again.release == release_of(location, 1)
    assert (again.release.purged_at, again.release.purged_because) == (None, "")
    assert in_place(location)["dags/a.py"] == files("a")["a.py"]
    deploy_on(location, LONG_AFTER + 3, "f")
    assert roll_back_on(location, LONG_AFTER + 4, 1).status == DeployStatus.SUCCEEDED


def test_is_undone_also_between_its_two_steps(location):
    purge_on(LONG_AFTER)

    again = deploy_on(location, LONG_AFTER + 0.01, "a")
    purge_on(LONG_AFTER + 1)

    assert again.status == DeployStatus.SUCCEEDED
    assert files("a")["a.py"] in [path.read_bytes() for path in objects()]


def test_goes_on_with_the_others_when_one_target_does_not_answer(location, monkeypatch):
    other = make_location(location.deployment, name="other")
    for number, content in enumerate("abcde", start=1):
        deploy_on(other, number, content)
    really = drivers.target_for
    monkeypatch.setattr(drivers, "target_for", lambda asked: Silent() if asked == location else really(asked))

    report = purge_on(LONG_AFTER)

    assert directories(other) == ["4", "5"]
    assert directories(location) == ["1", "2", "3", "4", "5"]
    assert kept(location) == {4, 5}
    assert report.problems == ["acme/production/shop: The disk does not answer."]
    monkeypatch.undo()
    purge_on(LONG_AFTER + 1)
    assert directories(location) == ["4", "5"]


class Silent:
    """A target that does not answer."""

    def prune(self, **asked):
        """Say nothing."""
        raise TargetUnreachable("target_io", "The disk does not answer.")


def test_forgets_uploads_that_nothing_took_up(location):
    upload(location.deployment.organization, {"never.py": b"pushed\n"})
    Bundle.objects.filter(mounts=None).update(touched_at=day(5))

    assert purge_on(LONG_AFTER).uploads_forgotten == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("to", [1, 2, 3])
def test_that_races_a_rollback_one_of_the_two_wins_cleanly(to: int):
    location = make_short_lived_location()
    for number, content in enumerate("abcde", start=1):
        deploy_on(location, number, content)

    report, asked = at_once(lambda: purge_on(LONG_AFTER), lambda: ask_rollback_on(location, LONG_AFTER, to))

    assert not isinstance(report, Exception)
    if isinstance(asked, Exception):
        assert told_apart([asked]) == ([], ["artifact_gone"])
        assert release_of(location, to).purged_at
        assert fresh(location).next_number == 6
    else:
        assert release_of(location, to).purged_at is None
        assert carry_out_on(asked, LONG_AFTER).status == DeployStatus.SUCCEEDED
        assert in_place(location)["dags/a.py"] == files("abc"[to - 1])["a.py"]


@pytest.mark.django_db(transaction=True)
def test_that_races_a_pin_one_of_the_two_wins_cleanly():
    location = make_short_lived_location()
    for number, content in enumerate("abcde", start=1):
        deploy_on(location, number, content)
    release = release_of(location, 1)
    actor = superuser()

    report, pinned = at_once(
        lambda: purge_on(LONG_AFTER),
        lambda: operations.pinning.pin(release=release, actor=actor, now=day(LONG_AFTER)),
    )

    assert not isinstance(report, Exception)
    release.refresh_from_db()
    assert bool(release.purged_at) != bool(release.pinned_at)
    assert isinstance(pinned, Exception) == bool(release.purged_at)


@pytest.mark.django_db(transaction=True)
def test_that_races_a_push_of_the_same_content_keeps_what_is_deployed():
    location = make_short_lived_location()
    for number, content in enumerate("abcde", start=1):
        deploy_on(location, number, content)

    report, pushed = at_once(lambda: purge_on(LONG_AFTER), lambda: deploy(location, files("a")))

    assert not isinstance(report, Exception)
    if isinstance(pushed, Exception):
        assert told_apart([pushed])[1][0] in {"unknown_bundle", "incomplete_bundle"}
        pushed = deploy(location, files("a"))
    assert pushed.status == DeployStatus.SUCCEEDED
    assert in_place(location)["dags/a.py"] == files("a")["a.py"]
    assert roll_back(location, pushed.number).status == DeployStatus.SUCCEEDED
