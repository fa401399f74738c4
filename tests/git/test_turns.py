"""Whose turn it is, and what is written when it does not work …"""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from deployments import operations, sourcing
from deployments.models import GitSource
from deployments.operations import git_fetching
from tests.alerts.acting import Clock
from tests.factories import superuser
from tests.git.acting import DAGS, code_of, fresh, look, set_up
from tests.git.repositories import Repository

pytestmark = [pytest.mark.django_db, pytest.mark.services, pytest.mark.usefixtures("by_file")]


@pytest.fixture
def source(shop, repository: Repository) -> GitSource:
    return set_up(shop, repository)


def due() -> list[int]:
    return sourcing.due_sources(now=timezone.now())


def ago(**span: int) -> Any:
    return timezone.now() - timedelta(**span)


def test_a_new_source_is_due_at_once_and_then_every_so_often(source):
    assert due() == [source.pk]
    look(source)

    assert due() == []
    assert sourcing.due_sources(now=timezone.now() + timedelta(seconds=61)) == [source.pk]


def test_what_is_paused_is_never_due(source):
    GitSource.objects.update(paused=True)

    assert due() == []
    assert look(source) is None
    assert fresh(source).asked_at is None


def test_what_is_only_told_of_is_looked_at_once_and_then_not(shop, repository: Repository):
    source = set_up(shop, repository, poll_seconds=0)
    assert look(source) is not None

    assert fresh(source).due_at is None
    assert sourcing.due_sources(now=timezone.now() + timedelta(days=400)) == []


def test_nobody_looks_while_somebody_does(source):
    turn = sourcing.claim(source.pk, clock=timezone.now)

    assert turn is not None
    assert due() == []
    assert sourcing.claim(source.pk, clock=timezone.now) is None


def test_the_turn_of_a_worker_that_died_is_taken_over(source):
    sourcing.claim(source.pk, clock=timezone.now)
    GitSource.objects.update(lease_expires_at=ago(seconds=1))

    assert due() == [source.pk]
    assert look(source) is not None


def test_a_worker_that_was_overtaken_writes_nothing(source):
    turn = sourcing.claim(source.pk, clock=timezone.now)
    GitSource.objects.update(lease_expires_at=ago(seconds=1))
    newer = sourcing.claim(source.pk, clock=timezone.now)

    for write in (
        lambda: turn.nothing_new("a" * 40),
        lambda: turn.refused("a" * 40, code="x", detail="X."),
        lambda: turn.failed(code="x", detail="X."),
    ):
        with pytest.raises(sourcing.TurnLost):
            write()
    assert (fresh(source).error, fresh(source).fetched_commit) == (None, "")
    newer.nothing_new("b" * 40)


def test_a_long_fetch_keeps_its_turn(source):
    clock = Clock()
    clock.now = timezone.now()
    turn = sourcing.claim(source.pk, clock=clock)
    began = turn.lease

    turn.keep()
    assert fresh(source).lease_expires_at == began, "Not with each look."
    clock.passes(minutes=1)
    turn.keep()

    assert fresh(source).lease_expires_at == turn.lease > began
    clock.passes(minutes=1)
    turn.nothing_new("")
    with pytest.raises(sourcing.TurnLost):
        turn.keep()


def test_what_is_announced_meanwhile_is_not_forgotten(source):
    turn = sourcing.claim(source.pk, clock=timezone.now)
    GitSource.objects.update(wanted_commit="b" * 40, due_at=timezone.now())

    turn.nothing_new("a" * 40)

    assert fresh(source).wanted_commit == "b" * 40
    assert due() == [source.pk]


@pytest.mark.parametrize(
    "change",
    [
        lambda source, repository: operations.remove_source(source=source, actor=superuser()),
        lambda source, repository: operations.pause_source(
            source=source, paused=True, actor=superuser(), now=timezone.now()
        ),
        lambda source, repository: set_up(source.code_location, repository, folder="other"),
    ],
    ids=["removed", "paused", "changed"],
)
def test_what_is_fetched_while_it_is_removed_paused_or_changed_is_not_deployed(
    source, repository: Repository, monkeypatch, change
):
    read = sourcing.read_head

    def meanwhile(turn: Any, **said: Any) -> Any:
        found = read(turn, **said)
        change(source, repository)
        return found

    monkeypatch.setattr(git_fetching.sourcing, "read_head", meanwhile)

    assert look(source) is None
    assert not source.code_location.deploys.exists()


def test_failures_wait_longer_each_time_and_are_forgotten_with_the_first_answer(shop, repository: Repository):
    source = set_up(shop, repository)
    away = repository.path.rename(repository.path.with_name("away.git"))
    waits = []
    for _ in range(7):
        assert look(source) is None
        waits.append(round((fresh(source).due_at - timezone.now()).total_seconds() / 60))

    assert waits == [1, 2, 4, 8, 15, 15, 15]
    assert (code_of(source), fresh(source).failures) == ("no_repository", 7)
    away.rename(repository.path)
    assert look(source) is not None
    assert (fresh(source).error, fresh(source).failures) == (None, 0)


def test_a_failure_after_a_refusal_does_not_hide_it_for_good(shop, repository: Repository):
    source = set_up(shop, repository, folder="absent")
    look(source)
    away = repository.path.rename(repository.path.with_name("away.git"))
    look(source)
    assert code_of(source) == "no_repository"
    away.rename(repository.path)

    look(source)

    assert code_of(source) == "empty_folder"


def test_a_branch_that_is_gone_leaves_what_is_live(shop, repository: Repository):
    source = set_up(shop, repository)
    look(source)
    repository.run("update-ref", "-d", "refs/heads/main")

    assert look(source) is None
    assert code_of(source) == "no_branch"
    assert fresh(source).fetched_commit


def test_an_address_that_the_operator_forbids_later_is_not_asked_any_more(source, settings):
    settings.LASTGOOD_GIT_PROTOCOLS = ["https"]

    assert look(source) is None
    assert (code_of(source), fresh(source).failures) == ("bad_git_url", 1)


def test_what_breaks_is_logged_and_told_without_words_of_its_own(source, monkeypatch, caplog):
    def broken(*_: Any, **__: Any) -> Any:
        raise RuntimeError("s3cr3t")

    monkeypatch.setattr(git_fetching.sourcing, "read_head", broken)

    assert look(source) is None
    assert code_of(source) == "internal_error"
    assert "s3cr3t" not in str(fresh(source).error)
    assert "could not be fetched" in caplog.text


def test_a_commit_that_is_not_the_head_any_more_is_told_to_be_outdated(shop, repository: Repository):
    old = repository.head()
    source = set_up(shop, repository)
    head = repository.commit(DAGS | {"dags/b.py": b"b"})
    deploy = look(source)
    GitSource.objects.update(wanted_commit=old)

    assert look(source) is None

    now = fresh(source)
    assert (now.error["code"], now.wanted_commit, now.fetched_commit) == ("outdated", "", head)
    assert old[:12] in now.error["detail"]
    assert list(shop.deploys.all()) == [deploy]
    # It may be that the server did not know the commit yet.
    assert timedelta(seconds=10) < now.due_at - timezone.now() < timedelta(seconds=21)
    look(source)
    assert code_of(source) == "outdated"


def test_a_commit_that_the_server_did_not_know_yet_is_found_a_little_later(shop, repository: Repository):
    source = set_up(shop, repository, poll_seconds=0)
    look(source)
    before = repository.head()
    new = repository.commit(DAGS | {"dags/b.py": b"b"})
    repository.point("main", before)
    GitSource.objects.update(wanted_commit=new)
    assert look(source) is None
    assert sourcing.due_sources(now=timezone.now() + timedelta(seconds=21)) == [source.pk]

    repository.point("main", new)

    assert look(source).git["commit"] == new
    assert code_of(source) is None
    assert fresh(source).due_at is None


def test_an_outdated_commit_whose_head_is_new_has_the_head_deployed(shop, repository: Repository):
    source = set_up(shop, repository)
    look(source)
    old = repository.commit(DAGS | {"dags/b.py": b"b"})
    head = repository.commit(DAGS | {"dags/c.py": b"c"})
    GitSource.objects.update(wanted_commit=old)

    assert look(source).git["commit"] == head
    assert code_of(source) == "outdated"
    GitSource.objects.update(wanted_commit=head)
    assert look(source) is None
    assert code_of(source) is None


def test_an_announced_commit_does_not_hide_why_the_head_is_refused(shop, repository: Repository):
    old = repository.head()
    source = set_up(shop, repository, folder="absent")
    look(source)
    GitSource.objects.update(wanted_commit=old[::-1])

    look(source)

    assert code_of(source) == "empty_folder"


@pytest.mark.parametrize("again", ["asked", "set"])
def test_a_failure_is_forgotten_when_it_works_again_also_when_somebody_asked_meanwhile(
    shop, repository: Repository, again: str
):
    source = set_up(shop, repository)
    look(source)
    away = repository.path.rename(repository.path.with_name("away.git"))
    look(source)
    away.rename(repository.path)

    if again == "asked":
        operations.fetch_now(source=source, actor=superuser(), now=timezone.now())
        assert code_of(source) == "no_repository"
    else:
        set_up(shop, repository)
    look(source)

    assert code_of(source) is None
    assert shop.deploys.count() == 1
