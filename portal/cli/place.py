"""A place, ORG/DEPLOYMENT[/LOCATION], and how it stands in a URL."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

import click

from .api import Document, Portal
from .exits import Misuse


class Ambiguous(Misuse):
    """The place does not say which code location is meant."""


@dataclass(frozen=True)
class Place:
    """Where something is deployed; without a location, a deployment."""

    organization: str
    deployment: str
    location: str | None = None

    @classmethod
    def parse(cls, value: str) -> Place:
        """Read ORG/DEPLOYMENT[/LOCATION]. Raises ValueError."""
        parts = value.strip("/").split("/")
        if len(parts) not in (2, 3):
            raise ValueError(f"{value!r} is not a place. Write ORG/DEPLOYMENT or ORG/DEPLOYMENT/LOCATION.")
        # A dot segment would climb out of its place in the URL.
        if any(part in ("", ".", "..") or not part.isprintable() for part in parts):
            raise ValueError(f"{value!r} is not a place: a name in it is empty or holds odd characters.")
        return cls(*parts)

    def __str__(self) -> str:
        return "/".join(filter(None, (self.organization, self.deployment, self.location)))

    def path(self, *parts: str | int) -> str:
        """Return the API path of this place, or of something below it."""
        where = ["organizations", self.organization, "deployments", self.deployment, "code-locations"]
        if self.location is not None:
            where.append(self.location)
        return _path(*where, *parts)


def _parse(context: click.Context, parameter: click.Parameter, value: str) -> Place:
    try:
        return Place.parse(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


place_argument = click.argument("place", callback=_parse)


def name_of(row: Mapping[str, Any]) -> str:
    """Return the name by which a URL knows this organization, deployment or code location."""
    return str(row.get("slug") or row.get("name") or "?")


def with_location(portal: Portal, place: Place) -> Place:
    """Name the code location if the deployment has exactly one. Raises Ambiguous."""
    if place.location is not None:
        return place
    names = [name_of(row) for row in portal.rows(place.path())]
    if not names:
        raise Ambiguous(f"{place} has no code location.")
    if len(names) > 1:
        listed = "\n".join(f"  {place}/{name}" for name in names)
        raise Ambiguous(f"{place} has {len(names)} code locations. Name one:\n{listed}")
    return replace(place, location=names[0])


def everywhere(portal: Portal) -> Iterator[Document]:
    """Yield every visible code location with what it belongs to, and deployments that have none."""
    for organization in portal.rows("/organizations/"):
        name = name_of(organization)
        for deployment in portal.rows(_path("organizations", name, "deployments")):
            place = Place(name, name_of(deployment))
            belongs = {"organization": organization, "deployment": deployment}
            locations = portal.rows(place.path())
            for location in locations:
                yield {"place": f"{place}/{name_of(location)}", **belongs, "code_location": location}
            if not locations:
                yield {"place": str(place), **belongs, "code_location": None}


def _path(*parts: str | int) -> str:
    return "/" + "/".join(quote(str(part), safe="") for part in parts) + "/"
