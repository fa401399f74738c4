"""Of two at the same moment …"""

from typing import Any

import pytest
from django.utils import timezone

from deployments import operations
from deployments.models import GitSource, HookDelivery
from deployments.operations import git_fetching
from tests.factories import make_location, superuser
from tests.git.acting import fresh, github, push_event, set_up
from tests.git.repositories import Repository
from tests.operations.racing import at_once

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.services,
    pytest.mark.usefixtures("by_file"),
]


@pytest.fixture
def shop(transactional_db: None) -> Any:
    return make_location()


def fetch(source: GitSource) -> Any:
    return operations.fetch_source(source.pk, clock=timezone.now)


def test_workers_one_deploys_the_head(shop, repository: Repository):
    source = set_up(shop, repository)

    made = [each for each in at_once(*[lambda: fetch(source)] * 4) if each is not None]

    assert [each.git["commit"] for each in made] == [repository.head()]
    assert shop.deploys.count() == 1
    assert fresh(source).lease_expires_at is None


def test_workers_of_whom_one_was_thought_dead_one_deploys_the_head(shop, repository: Repository, monkeypatch):
    source = set_up(shop, repository)
    read, seen = git_fetching.sourcing.read_head, []

    def slow(turn: Any, **said: Any) -> Any:
        found = read(turn, **said)
        if not seen:
            # The first is so slow that another one has taken over, and is through, before it goes on.
            seen.append(turn)
            GitSource.objects.update(lease_expires_at="2000-01-01T00:00:00Z")
            seen.append(fetch(source))
        return found

    monkeypatch.setattr(git_fetching.sourcing, "read_head", slow)

    assert fetch(source) is None
    assert list(shop.deploys.all()) == [seen[1]]


def test_deliveries_one_is_taken_and_the_other_is_a_replay(shop, repository: Repository):
    source = fresh(set_up(shop, repository))

    answers = at_once(*[lambda: github(source, push_event("a" * 40), delivery="one").status_code] * 4)

    assert sorted(answers) == [202, 409, 409, 409]
    assert HookDelivery.objects.count() == 2


def test_people_who_set_it_up_both_are_answered_and_there_is_one(shop, repository: Repository):
    superuser()

    answers = at_once(*[lambda: set_up(shop, repository)] * 2)

    assert {type(each) for each in answers} == {GitSource}
    assert GitSource.objects.count() == 1
