"""A list of the API …"""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client

from tests.factories import make_user, superuser
from tests.matrix.rows import API, DEPLOYMENT, LOCATION, ORGANIZATION
from tests.matrix.scene import (
    FOREIGN,
    FOREIGN_WORDS,
    OWN,
    SIBLING,
    SIGNED_IN,
    Scene,
    bearer,
    enter,
    give,
    holds,
    send,
)

pytestmark = [pytest.mark.django_db, pytest.mark.services]

ORGANIZATIONS = f"{API}/organizations/"
FILTERS = ["kind=dags", "status=SUCCEEDED", "actor=root", f"commit={'a' * 40}", f"q={FOREIGN_WORDS}", "q=globex"]
FILTERS += ["q=staging-only", "since=2000-01-01T00:00:00Z", "until=2100-01-01T00:00:00Z", "image=%25"]


def walk(client: Client, url: str, headers: dict[str, str]) -> list[dict[str, Any]]:
    """Follow the cursors, row by row, and answer all rows."""
    found: list[dict[str, Any]] = []
    link: str | None = f"{url}{'&' if '?' in url else '?'}limit=1"
    while link is not None:
        answer = send(client, "GET", link, headers=headers)
        assert answer.status_code == 200, answer.content
        assert set(answer.json()) == {"next", "previous", "results"}, "A count would tell of rows that are not seen."
        found += answer.json()["results"]
        link = answer.json()["next"]
    return found


def seen_by(role: str) -> tuple[list[str], list[str]]:
    """Answer the organizations that the role sees, and the deployments of acme."""
    if role == "superuser":
        return ["acme", "globex"], ["production", "staging"]
    if role.startswith("foreign"):
        return ["globex"], []
    if not holds(role, "view"):
        return [], []
    return ["acme"], ["production", "staging"] if role.endswith("@organization") else ["production"]


@pytest.mark.parametrize("role", SIGNED_IN)
def test_of_places_holds_what_the_role_sees_and_nothing_else(role: str, scene: Scene, client: Client):
    headers = enter(role, scene)
    organizations, deployments = seen_by(role)

    assert [row["slug"] for row in walk(client, ORGANIZATIONS, headers)] == organizations
    if "acme" in organizations:
        rows = walk(client, f"{ORGANIZATION}deployments/".format(org="acme"), headers)
        assert [row["slug"] for row in rows] == deployments
    for slug in deployments:
        rows = walk(client, f"{DEPLOYMENT}code-locations/".format(org="acme", deployment=slug), headers)
        assert [row["place"] for row in rows] == [f"acme/{slug}/{name}" for name in ("busy", "held", "shop")]


@pytest.mark.parametrize("asked", ["", *FILTERS])
@pytest.mark.parametrize("role", ["viewer@deployment", "organization_admin@organization", "superuser"])
def test_of_deploys_holds_those_of_its_code_location_whatever_is_asked(
    asked: str, role: str, scene: Scene, client: Client
):
    headers = enter(role, scene)

    rows = walk(client, f"{LOCATION}deploys/?{asked}".format(**vars(OWN)), headers)

    assert {row["place"] for row in rows} <= {"acme/production/shop"}
    assert FOREIGN_WORDS not in str(rows)
    assert "staging-only" not in str(rows)
    numbers = [row["number"] for row in rows]
    assert numbers == sorted(numbers, reverse=True)
    assert numbers == [4, 3, 2, 1] or asked


@pytest.mark.parametrize("path", [f"{ORGANIZATION}deployments/", f"{DEPLOYMENT}code-locations/", f"{LOCATION}deploys/"])
@pytest.mark.parametrize("place", [FOREIGN, SIBLING], ids=["foreign", "sibling"])
def test_does_not_open_with_a_cursor_of_somebody_who_sees_more(path: str, place: Any, scene: Scene, client: Client):
    theirs = send(client, "GET", f"{path.format(**vars(place))}?limit=1", headers=bearer(superuser())).json()["next"]
    headers = enter("viewer@deployment", scene)
    cursor = "".join(parse_qs(urlsplit(theirs or "").query).get("cursor", ["WzAsICJhIl0"]))

    hidden = send(client, "GET", f"{path.format(**vars(place))}?cursor={cursor}", headers=headers)
    own = send(client, "GET", f"{path.format(**vars(OWN))}?cursor={cursor}", headers=headers)

    assert hidden.status_code == (200 if path == f"{ORGANIZATION}deployments/" and place == SIBLING else 404)
    assert own.status_code in (200, 400)
    for answer in (hidden, own):
        assert FOREIGN_WORDS not in answer.content.decode()
        assert "staging" not in answer.content.decode().replace(answer.wsgi_request.path, "")


def test_answers_the_folder_on_the_host_to_those_alone_who_may_configure(scene: Scene, client: Client):
    told = {}
    for role in ("viewer", "deployer", "editor", "admin"):
        person = make_user(role)
        give(person, role, scene.production)
        headers = bearer(person)
        one = send(client, "GET", LOCATION.format(**vars(OWN)), headers=headers).json()
        many = send(client, "GET", f"{DEPLOYMENT}code-locations/".format(**vars(OWN)), headers=headers).json()
        told[role] = {row["target_path"] is not None for row in [one, *many["results"]]}

    assert told == {"viewer": {False}, "deployer": {False}, "editor": {False}, "admin": {True}}
