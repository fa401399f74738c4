"""The API …"""

from typing import Any

import pytest
from django.test import Client

from tests.factories import make_user
from tests.matrix.routes import documented_routes, resolved_api_routes
from tests.matrix.rows import API, ROUTES, ROWS, Row
from tests.matrix.scene import (
    ABSENT,
    FOREIGN,
    NOBODY,
    OWN,
    SIBLING,
    SIGNED_IN,
    Place,
    Scene,
    content_of,
    enter,
    holds,
    roles_for,
    send,
    snapshot,
)

# Not on the services too: nothing here depends on which database answers.
pytestmark = [pytest.mark.django_db]

# Swagger's page about the document is not part of it.
UNDOCUMENTED = {("GET", f"{API}/schema/page/")}
LISTED = {(row.method, row.path) for row in ROWS}


def test_has_a_row_in_the_table_for_every_route():
    missing = sorted((documented_routes() | resolved_api_routes()) - LISTED)

    assert not missing, (
        f"Nobody says who may call {missing}: add to ROWS in tests/matrix/rows.py a Row for each, with the right that "
        "it needs, a valid body, and what it answers when it is allowed."
    )


def test_has_no_row_in_the_table_for_a_route_that_is_gone():
    assert sorted(LISTED - documented_routes() - UNDOCUMENTED) == []


def test_tells_every_route_in_its_document():
    untold = sorted(resolved_api_routes() - documented_routes() - UNDOCUMENTED)

    assert not untold, f"The OpenAPI document does not tell of {untold}: the matrix would not see them either."


def expected(row: Row, role: str) -> int:
    """Answer the status that this role gets at its own place."""
    if row.needs == "open":
        return row.then
    if role in NOBODY:
        return 401
    if role == "superuser" or row.needs == "signed-in":
        return row.then
    if row.needs == "superuser":
        return 403
    if not holds(role, "view"):
        return 404
    return row.then if holds(role, row.needs) else 403


def changes(row: Row, role: str) -> bool:
    """Say whether this role may do what the row does, and it changes something."""
    return row.method != "GET" and expected(row, role) == row.then < 400


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_refuses_each_role_what_it_may_not_and_shows_it_what_it_may(row: Row, scene: Scene, client: Client):
    entered = {role: enter(role, scene) for role in roles_for(ROWS.index(row)) if not changes(row, role)}
    before = snapshot()

    answers = {role: send(client, row.method, row.url(), row.body_at(OWN), entered[role]) for role in entered}

    told = {role: answer.status_code for role, answer in answers.items()}
    assert told == {role: expected(row, role) for role in entered}
    for role, answer in answers.items():
        if answer.status_code >= 400 and not row.path.startswith(f"{API}/schema/"):
            assert answer["Content-Type"] == "application/problem+json", role
            assert answer.json()["status"] == answer.status_code, role
    assert snapshot() == before


CHANGES = [(row, role) for number, row in enumerate(ROWS) for role in roles_for(number) if changes(row, role)]


@pytest.mark.parametrize(("row", "role"), CHANGES, ids=str)
def test_lets_each_role_change_what_it_may(row: Row, role: str, scene: Scene, client: Client):
    make_user("signer")
    headers = enter(role, scene)

    response = send(client, row.method, row.url(), row.body_at(OWN), headers)

    assert response.status_code == row.then, content_of(response)[:500]


@pytest.mark.parametrize("row", [row for row in ROUTES if row.is_of_a_place], ids=str)
def test_hides_what_a_role_does_not_see(row: Row, scene: Scene, client: Client):
    entered = {role: enter(role, scene) for role in roles_for(ROWS.index(row), SIGNED_IN) if role != "superuser"}
    before = snapshot()

    told = {_told(client, row, place, enter("viewer@organization", scene)) for place in _absent(row)}
    answers = {
        f"{role} at {place}": _told(client, row, place, headers)
        for role, headers in entered.items()
        for place in _unseen(row, role)
    }

    assert len(told) == 1
    (absent,) = told
    assert absent[0] == 404
    assert answers == dict.fromkeys(answers, absent)
    assert snapshot() == before


def _told(client: Client, row: Row, place: Place, headers: dict[str, str]) -> tuple[Any, ...]:
    """Answer all that the answer tells."""
    response = send(client, row.method, row.url(place), row.body_at(place), headers)
    return (response.status_code, content_of(response), *sorted(response.headers.items()))


def _absent(row: Row) -> list[Place]:
    """Answer places that are not there: as much of the address as it names."""
    named = ["{deployment}" in row.path, "{location}" in row.path]
    return ABSENT[: 1 + sum(named)] if "{org}" in row.path else ABSENT[:1]


def _unseen(row: Row, role: str) -> list[Place]:
    """Answer the places that this role must not know of."""
    foreign = [] if role.startswith("foreign") else [FOREIGN]
    sibling = [SIBLING] if "{deployment}" in row.path and not role.endswith("@organization") else []
    own = [] if holds(role, "view") else [OWN]
    return foreign + sibling + own


@pytest.mark.parametrize("row", [row for row in ROWS if "{number}" in row.path], ids=str)
@pytest.mark.parametrize("role", ["viewer@deployment", "superuser"])
def test_answers_a_number_that_is_not_there_like_all_that_is_not_there(
    row: Row, role: str, scene: Scene, client: Client
):
    headers = enter(role, scene)

    no_number = send(client, row.method, row.url(number=999), row.body, headers)
    no_location = send(client, row.method, row.url(ABSENT[2]), row.body, headers)

    assert (no_number.status_code, no_number.content) == (404, no_location.content)
