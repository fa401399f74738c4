"""The API lets nobody in …"""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from deployments.models import Token
from tests.factories import make_user, superuser
from tests.matrix.routes import METHODS
from tests.matrix.rows import ROUTES, ROWS, UNSAFE, Row
from tests.matrix.scene import FOREIGN, OWN, Scene, bearer, content_of, enter, send, snapshot

# Not on the services too: what is asked of the database here, lists, probes and removal ask there.
pytestmark = [pytest.mark.django_db]

CLOSED = [row for row in ROUTES if row.needs != "open"]
METRICS_TOKEN = "for-scrapers-alone"
OVERRIDES = ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override")


def bad_tokens() -> dict[str, str]:
    """Answer what is sent in vain, by its name."""
    admin = superuser()
    good = bearer(admin)["Authorization"].removeprefix("Bearer ")
    revoked = bearer(admin)["Authorization"]
    Token.objects.filter(pk=Token.objects.latest("created").pk).delete()
    expired = bearer(admin)["Authorization"]
    Token.objects.filter(pk=Token.objects.latest("created").pk).update(expiry=Token.objects.latest("created").created)
    disabled = bearer(make_user("disabled", is_superuser=True))["Authorization"]
    User.objects.filter(username="disabled").update(is_active=False)
    wrong = {"no scheme": good, "basic": f"Basic {good}", "token": f"Token {good}", "basic password": "Basic cm9vdDpz"}
    wrong |= {"empty": "", "no word": "Bearer", "blank": "Bearer ", "two words": f"Bearer {good} {good}"}
    wrong |= {"random": f"Bearer lg_{'a' * 64}", "begins right": f"Bearer {good[:-1]}", "goes on": f"Bearer {good}a"}
    wrong |= {"other case": f"Bearer {good.swapcase()}", "scrapers' token": f"Bearer {METRICS_TOKEN}"}
    wrong |= {"password": "Bearer secret", "latin-1": "Bearer \xff\xfe", "overlong": f"Bearer {'a' * 20_000}"}
    digest = Token.objects.filter(user=admin).latest("created").digest
    return wrong | {"expired": expired, "revoked": revoked, "disabled": disabled, "stored hash": f"Bearer {digest}"}


@pytest.mark.parametrize("row", CLOSED, ids=str)
def test_with_a_token_that_is_none(row: Row, scene: Scene, client: Client, settings: Any):
    settings.LASTGOOD_METRICS_TOKEN = METRICS_TOKEN
    tokens = bad_tokens()
    before = snapshot()["Deploy"]

    answers = {
        name: send(client, row.method, row.url(), row.body_at(), {"Authorization": word})
        for name, word in tokens.items()
    }

    assert {name: answer.status_code for name, answer in answers.items()} == dict.fromkeys(tokens, 401)
    assert {answer["WWW-Authenticate"] for answer in answers.values()} == {"Bearer"}
    assert snapshot()["Deploy"] == before


def test_with_a_bad_token_beside_a_good_session(scene: Scene, client: Client):
    client.force_login(superuser())

    for name, word in bad_tokens().items():
        # Another scheme's header is not ours to judge; a bearer token that is none ends it, whatever else is sent.
        if word.startswith("Bearer"):
            answer = send(client, "GET", "/api/v1/organizations/", headers={"Authorization": word})
            assert answer.status_code == 401, name


@pytest.mark.parametrize("row", [row for row in UNSAFE if row.needs != "open"], ids=str)
def test_by_a_session_without_its_csrf_token(row: Row, scene: Scene):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(superuser())
    before = snapshot()

    bare = send(browser, row.method, row.url(), row.body_at())
    forged = send(browser, row.method, row.url(), row.body_at(), {"X-CSRFToken": "a" * 32})

    assert (bare.status_code, forged.status_code) == (403, 403)
    assert bare.json()["code"] == "not_allowed"
    assert snapshot() == before


def test_but_lets_a_session_with_its_csrf_token_in(scene: Scene):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(superuser())
    browser.cookies["csrftoken"] = "a" * 32

    answer = send(browser, "POST", "/api/v1/organizations/", {"slug": "initech"}, {"X-CSRFToken": "a" * 32})

    assert answer.status_code == 201, answer.content


@pytest.mark.parametrize("row", UNSAFE, ids=str)
def test_through_a_header_that_names_another_method(row: Row, scene: Scene, client: Client):
    headers = bearer(superuser())
    said = row.body_at() if isinstance(row.body, dict) else {}
    before = snapshot()

    for header in OVERRIDES:
        url = f"{row.url()}{'&' if row.query else '?'}_method={row.method}"
        for method in ("GET", "HEAD", "OPTIONS"):
            answer = send(client, method, url, {**said, "_method": row.method}, headers | {header: row.method})
            assert answer.status_code < 500
    assert snapshot() == before


# Swagger's page draws no answer to OPTIONS; it shows nothing of anybody.
@pytest.mark.parametrize("row", [row for row in ROUTES if not row.path.endswith("/schema/page/")], ids=str)
def test_by_head_or_options_to_what_it_would_not_show(row: Row, scene: Scene, client: Client):
    viewer = enter("viewer@deployment", scene)
    before = snapshot()

    head = {place: send(client, "HEAD", row.url(place), headers=viewer) for place in (OWN, FOREIGN)}
    told = {content_of(send(client, "OPTIONS", row.url(place), headers=viewer)) for place in (OWN, FOREIGN)}
    get = {place: send(client, "GET", row.url(place), headers=viewer) for place in (OWN, FOREIGN)}

    assert send(client, "HEAD", row.url()).status_code == 401 or row.path.endswith(
        ("/auth/token/", "{token}/", "{hook}/")
    )
    assert send(client, "OPTIONS", row.url()).status_code == 401 or row.path.endswith(("{token}/", "{hook}/"))
    assert {place: answer.status_code for place, answer in head.items()} == {
        place: answer.status_code for place, answer in get.items()
    }
    assert len(told) == 1, "OPTIONS tells the seen from the unseen."
    assert snapshot() == before


@pytest.mark.parametrize("path", sorted({row.path for row in ROWS}))
def test_by_a_method_that_the_table_does_not_list(path: str, scene: Scene, client: Client):
    headers = bearer(superuser())
    listed = {row.method: row for row in ROWS if row.path == path}
    row = next(iter(listed.values()))
    before = snapshot()

    for method in {*METHODS, "TRACE", "CONNECT", "PROPFIND"} - set(listed):
        assert send(client, method, row.url(), headers=headers).status_code == 405, method
    assert snapshot() == before


def test_without_a_token_to_revoke(client: Client, db: None):
    client.force_login(make_user())

    assert send(client, "DELETE", "/api/v1/auth/token/").status_code == 400
