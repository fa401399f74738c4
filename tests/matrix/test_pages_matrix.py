"""The pages …"""

import re
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.test import Client

from tests.factories import superuser
from tests.matrix.pages import ELSEWHERE, PAGES
from tests.matrix.routes import resolved_paths
from tests.matrix.rows import Row
from tests.matrix.scene import (
    ABSENT,
    FOREIGN,
    NOBODY,
    OWN,
    SIBLING,
    SIGNED_IN,
    Place,
    Scene,
    bearer,
    holds,
    roles_for,
    snapshot,
    visitor,
)

# Not on the services too: what is asked of the database here, lists, probes and removal ask there.
pytestmark = [pytest.mark.django_db]

OURS = {path for path, _ in resolved_paths() if not path.startswith(ELSEWHERE)}
# One row an address, where the case does not matter.
PLACED = {row.path: row for row in PAGES if row.is_of_a_place}.values()
POSTED = [row for row in PAGES if row.method == "POST"]


def test_have_a_row_in_the_table_for_every_address():
    missing = sorted(OURS - {row.path for row in PAGES})

    assert not missing, (
        f"Nobody says who may open {missing}: add to PAGES in tests/matrix/pages.py a Row for each, with its method, the "
        "right that it needs, valid form data, and what it answers when it is allowed."
    )


def test_have_no_row_in_the_table_for_an_address_that_is_gone():
    assert sorted({row.path for row in PAGES} - OURS) == []


def expected(row: Row, role: str) -> int:
    """Answer the status that this role gets at its own place."""
    if row.needs == "open":
        return row.then
    if row.needs == "metrics":
        return row.then if role == "superuser" else 401
    if role in NOBODY:
        return 302
    if role == "superuser" or row.needs == "signed-in":
        return row.then
    if not holds(role, "view"):
        return 404
    return row.then if holds(role, row.needs) else 403


def ask(client: Client, row: Row, place: Place = OWN, **named: Any) -> Any:
    """Send the request as a browser does."""
    return client.generic(
        row.method,
        row.url(place, **named),
        "&".join(f"{name}={value}" for name, value in (row.body or {}).items()),
        content_type="application/x-www-form-urlencoded",
    )


def sign_in(client: Client, role: str, scene: Scene) -> None:
    """Have this role's visitor signed in; the deactivated one was, before."""
    if role in scene.visitors:
        if session := scene.visitors[role][2]:
            client.cookies[django_settings.SESSION_COOKIE_NAME] = session
        return
    user = visitor(role, scene)
    if user is not None:
        client.force_login(user)
    if user is not None and role == "deactivated":
        User.objects.filter(pk=user.pk).update(is_active=False)


def changes(row: Row, role: str) -> bool:
    """Say whether this role may do what the row does, and it changes something."""
    return row.method == "POST" and role not in NOBODY and expected(row, role) in (201, 302)


@pytest.mark.parametrize("row", PAGES, ids=str)
def test_refuse_each_role_what_it_may_not_and_show_it_what_it_may(row: Row, scene: Scene):
    browsers = {role: Client() for role in roles_for(PAGES.index(row)) if not changes(row, role)}
    for role, browser in browsers.items():
        sign_in(browser, role, scene)
    before = snapshot()

    answers = {role: ask(browser, row) for role, browser in browsers.items()}

    assert {role: answer.status_code for role, answer in answers.items()} == {
        role: expected(row, role) for role in browsers
    }
    for role, answer in answers.items():
        to_sign_in = answer.headers.get("Location", "").startswith("/accounts/login/")
        assert to_sign_in == (role in NOBODY and row.needs not in ("open", "metrics")), role
    assert snapshot() == before


CHANGES = [(row, role) for number, row in enumerate(PAGES) for role in roles_for(number) if changes(row, role)]


@pytest.mark.parametrize(("row", "role"), CHANGES, ids=str)
def test_let_each_role_change_what_it_may(row: Row, role: str, scene: Scene, client: Client):
    sign_in(client, role, scene)

    answer = ask(client, row)

    assert answer.status_code == row.then
    assert not answer.headers.get("Location", "").startswith("/accounts/")


@pytest.mark.parametrize("row", PLACED, ids=str)
def test_hide_what_a_role_does_not_see(row: Row, scene: Scene):
    browsers = {role: Client() for role in roles_for(PAGES.index(row), SIGNED_IN) if role != "superuser"}
    for role, browser in browsers.items():
        sign_in(browser, role, scene)
    before = snapshot()

    for role, browser in browsers.items():
        absent = told(ask(browser, row, ABSENT[0]))
        assert absent[0] == 404
        for place in unseen(row, role):
            assert told(ask(browser, row, place)) == absent, f"{role} at {place}"
    assert snapshot() == before


def told(answer: Any) -> tuple[int, str]:
    """Answer all that the answer tells, without what is drawn by lot."""
    return answer.status_code, re.sub(r'csrfmiddlewaretoken" value="\w+"', "", answer.content.decode())


def unseen(row: Row, role: str) -> list[Place]:
    """Answer the places that this role must not know of, and some that are not there."""
    foreign = [] if role.startswith("foreign") else [FOREIGN]
    whole = "{deployment}" not in row.path
    sibling = [] if role.endswith("@organization") or whole else [SIBLING]
    own = [] if holds(role, "view") else [OWN]
    absent = [] if whole else ABSENT[1 : 2 + ("{location}" in row.path)]
    return foreign + sibling + own + absent


@pytest.mark.parametrize("row", POSTED, ids=str)
def test_take_nothing_without_their_csrf_token(row: Row, scene: Scene):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(superuser())
    before = snapshot()

    assert ask(browser, row).status_code == 403
    assert snapshot() == before


@pytest.mark.parametrize("row", [row for row in POSTED if row.needs != "open"], ids=str)
def test_do_not_let_a_bearer_token_act(row: Row, scene: Scene, client: Client):
    before = snapshot()

    answer = client.post(row.url(), row.body or {}, headers=bearer(superuser()))

    assert answer.status_code == 302
    assert answer["Location"].startswith("/accounts/login/")
    assert snapshot()["Deploy"] == before["Deploy"]


@pytest.mark.parametrize("path", sorted({row.path for row in PAGES}))
def test_answer_no_other_method(path: str, scene: Scene, client: Client):
    client.force_login(superuser())
    rows = [row for row in PAGES if row.path == path]
    listed = {row.method for row in rows} | ({"HEAD"} if rows[0].method == "GET" else set())
    before = snapshot()

    for method in {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"} - listed:
        headers = {"X-HTTP-Method-Override": rows[0].method}
        answer = client.generic(method, f"{rows[0].url()}?_method={rows[0].method}", headers=headers)
        assert answer.status_code == 405, method
    assert snapshot() == before


@pytest.mark.parametrize("role", SIGNED_IN)
def test_list_what_the_role_sees_and_nothing_else(role: str, scene: Scene, client: Client):
    sign_in(client, role, scene)
    places = {"acme/production", "acme/staging", "globex/production"}
    seen = {"acme/production"} if holds(role, "view") else set()
    seen |= {"acme/staging"} if holds(role, "view") and role.endswith("@organization") else set()
    seen |= {"globex/production"} if role.startswith("foreign") else set()
    seen = places if role == "superuser" else seen

    for query in ("", "?q=production", "?q=globex", "?q=staging", "?q=shop"):
        content = client.get(f"/{query}").content.decode()
        linked = {place for place in places if f"/deployments/{place}/" in content}
        assert linked <= seen, query
        assert query or linked == seen


def test_show_metrics_to_the_scrapers_token_alone(client: Client, db: None, settings: Any):
    settings.LASTGOOD_METRICS_TOKEN = "for-scrapers-alone"
    words = [
        "",
        "Bearer",
        "Bearer ",
        "Bearer wrong",
        "Basic for-scrapers-alone",
        "Token for-scrapers-alone",
        "Bearer \xff",
    ]
    words += [*bearer(superuser()).values(), "Bearer for-scrapers-alone2", "Bearer For-scrapers-alone"]

    assert {
        word: client.get("/metrics", headers={"Authorization": word}).status_code for word in words
    } == dict.fromkeys(words, 401)
    assert client.get("/metrics", headers={"Authorization": "Bearer for-scrapers-alone"}).status_code == 200
    settings.LASTGOOD_METRICS_TOKEN = ""
    assert client.get("/metrics", headers={"Authorization": "Bearer "}).status_code == 401


PROBES = [
    "..",
    "%2e%2e",
    "..%2f..%2fetc%2fpasswd",
    "%00",
    "shop%00",
    "%5c..%5c",
    "a" * 5000,
    "%ff",
    "%ED%A0%80",
    "9" * 30,
]


@pytest.mark.parametrize("row", PLACED, ids=str)
def test_find_nothing_at_odd_addresses(row: Row, scene: Scene, client: Client):
    client.force_login(superuser())
    parameters = [name for name in ("org", "deployment", "location", "number") if f"{{{name}}}" in row.path]
    # All places of an address are found in one way: a few rows try everything, the others take turns.
    turn = PAGES.index(row)
    probes = PROBES if turn % 10 == 0 else [PROBES[turn % len(PROBES)], PROBES[(turn * 3 + 1) % len(PROBES)]]

    for parameter in parameters:
        for probe in probes:
            assert ask(client, row, **{parameter: probe}).status_code == 404, (parameter, probe)
