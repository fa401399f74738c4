"""Places on the command line and in URLs."""

from __future__ import annotations

import pytest
from lastgood.api import Portal
from lastgood.place import Ambiguous, Place, with_location

from .scripted_portal import ScriptedPortal, rows


@pytest.mark.parametrize(
    ("written", "place"),
    [
        ("acme/prod", Place("acme", "prod")),
        ("acme/prod/etl", Place("acme", "prod", "etl")),
        ("acme/prod/", Place("acme", "prod")),
    ],
)
def test_reads_two_or_three_names(written: str, place: Place) -> None:
    assert Place.parse(written) == place
    assert str(place) == written.rstrip("/")


@pytest.mark.parametrize(
    "written", ["", "acme", "a/b/c/d", "a//b", "acme/..", "../prod", "acme/./etl", "acme/prod/a\nb"]
)
def test_refuses_everything_else(written: str) -> None:
    with pytest.raises(ValueError, match="is not a place"):
        Place.parse(written)


def test_writes_names_into_a_path_without_letting_them_out_of_it() -> None:
    place = Place("acme", "prod", "a?b#c%2F")

    assert place.path("deploys", 7) == ("/organizations/acme/deployments/prod/code-locations/a%3Fb%23c%252F/deploys/7/")


def test_finds_the_only_code_location(portal: ScriptedPortal) -> None:
    portal.script(rows({"name": "default"}))

    with Portal(portal.url) as talk:
        assert with_location(talk, Place("acme", "prod")) == Place("acme", "prod", "default")


def test_asks_nothing_when_the_location_is_named(portal: ScriptedPortal) -> None:
    with Portal(portal.url) as talk:
        assert with_location(talk, Place("acme", "prod", "etl")).location == "etl"
    assert portal.requests == []


def test_lists_the_code_locations_when_there_are_several(portal: ScriptedPortal) -> None:
    portal.script(rows({"name": "etl"}, {"name": "ml"}))

    with Portal(portal.url) as talk, pytest.raises(Ambiguous) as refusal:
        with_location(talk, Place("acme", "prod"))

    assert "acme/prod/etl\n" in refusal.value.message
    assert "acme/prod/ml" in refusal.value.message
