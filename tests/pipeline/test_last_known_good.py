"""The last known good …"""

import pytest

from deployments.last_known_good import last_known_good
from deployments.states import DeployStatus
from portal.common.problems import Refusal
from tests.factories import deploy, fresh, make_location, roll_back

pytestmark = [pytest.mark.django_db, pytest.mark.services]

ONE, TWO, THREE = ({"a.py": f"version = {number}".encode()} for number in (1, 2, 3))


def test_is_the_version_before_a_bad_one_that_succeeded():
    location = make_location()
    good = deploy(location, ONE)
    deploy(location, TWO)

    assert last_known_good(fresh(location)) == good


def test_is_none_for_a_location_that_has_only_what_is_in_place():
    location = make_location()
    deploy(location, ONE)

    assert last_known_good(fresh(location)) is None
    with pytest.raises(Refusal) as refused:
        roll_back(location)
    assert refused.value.code == "no_last_good"


def test_never_ping_pongs_when_rolled_back_twice_in_a_row():
    location = make_location()
    first = deploy(location, ONE)
    deploy(location, TWO)
    deploy(location, THREE)

    once = roll_back(location)
    twice = roll_back(location)

    assert (once.restores.number, twice.restores.number) == (2, first.number)
    with pytest.raises(Refusal) as refused:
        roll_back(location)
    assert refused.value.code == "no_last_good"


def test_skips_one_release_deployed_twice_twice():
    location = make_location()
    first = deploy(location, ONE)
    deploy(location, TWO)
    deploy(location, TWO)

    assert last_known_good(fresh(location)) == first
    assert roll_back(location).status == DeployStatus.SUCCEEDED
