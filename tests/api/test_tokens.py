"""A bearer token …"""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from deployments import access
from deployments.access import Role
from deployments.models import Token
from tests.api.asking import BASE, LOCATION, Api, answered, make_token, refused
from tests.factories import make_location, make_member, make_organization, make_superuser, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.services]

EXAMPLES = {
    "org": "acme",
    "deployment": "production",
    "location": "shop",
    "number": "1",
    "mount": "dags",
    "sha256": "0" * 64,
}


@pytest.fixture(autouse=True)
def nobody_was_slowed_down() -> None:
    """Forget earlier attempts to sign in."""
    cache.clear()


def document() -> dict[str, Any]:
    """Answer the OpenAPI document."""
    return answered_document(Api(make_superuser()))


def answered_document(api: Api) -> dict[str, Any]:
    """Answer the OpenAPI document that somebody reads."""
    response = api.get(f"{BASE}/schema/", format="json")
    assert response.status_code == 200
    body: dict[str, Any] = response.json()
    return body


def routes() -> list[tuple[str, str]]:
    """Answer each method and address of the document, but the one for those who have no token yet."""
    found = []
    for path, verbs in document()["paths"].items():
        address = re.sub(r"\{(\w+)\}", lambda match: EXAMPLES.get(match[1], "1"), path)
        found += [(verb.upper(), address) for verb in verbs if verb in {"get", "post", "put", "patch", "delete"}]
    found.remove(("POST", f"{BASE}/auth/token/"))
    # Knowing the address of an order's answer is the right to answer.
    found.remove(("POST", f"{BASE}/callbacks/1/"))
    # A repository's webhook signs what it says.
    found.remove(("POST", f"{BASE}/git-hooks/1/"))
    assert len(found) > 20
    return found


def bad_tokens(location) -> dict[str, str]:
    """Answer tokens that open nothing, by why."""
    user = make_member(Role.ADMIN, location.deployment)
    gone = make_member(Role.ADMIN, location.deployment, name="gone")
    tokens = {
        "empty": "",
        "random": "lg_" + "a" * 61,
        "short": "x",
        "odd": "a b",
        "not ascii": "tökén",
        "long": "lg_" + "a" * 5000,
        "expired": make_token(user, expiry=timedelta(seconds=-1)),
        "revoked": make_token(user),
        "of somebody inactive": make_token(gone),
        "cut": make_token(user)[:-1],
        "lengthened": make_token(user) + "0",
        "hashed": make_token(user),
    }
    tokens["hashed"] = Token.objects.latest("created").digest
    Token.objects.filter(token_key=tokens["revoked"][: len(Token.objects.first().token_key)]).delete()
    gone.is_active = False
    gone.save()
    return tokens


def test_that_is_none_opens_no_route():
    location = make_location()
    addresses = routes()

    for why, token in bad_tokens(location).items():
        api = Api(token=token)
        for method, address in addresses:
            response = api.ask(method, address, {})
            assert response.status_code == 401, (why, method, address, response.content)
            if address != f"{BASE}/schema/":  # which answers YAML, its refusals too
                refused(response, 401, "not_signed_in")
            assert response["WWW-Authenticate"].startswith("Bearer")


def test_is_needed_on_every_route_also_for_head_and_options():
    make_location()

    for method, address in routes():
        for verb in (method, "HEAD", "OPTIONS"):
            assert Api().ask(verb, address, {}).status_code == 401, (verb, address)


@pytest.mark.parametrize("header", ["Token abc", "Basic YTpi", "bearer", "Bearer", "Bearer  ", "abc", "Bearer a b c"])
def test_of_another_scheme_opens_nothing(header: str):
    make_location()

    refused(Api().ask("GET", f"{LOCATION}/", headers={"Authorization": header}), 401, "not_signed_in")


def test_is_not_read_from_the_address_or_a_cookie():
    location = make_location()
    token = make_token(make_member(Role.ADMIN, location.deployment))

    for name in ("token", "access_token", "auth"):
        assert Api().get("", **{name: token}).status_code == 401
    client = Client()
    client.cookies["Authorization"] = f"Bearer {token}"
    assert client.get(f"{LOCATION}/").status_code == 401


def test_is_made_by_password_and_given_back():
    location = make_location()
    user = make_member(Role.VIEWER, location.deployment)
    api = Api()

    made = answered(
        api.post(f"{BASE}/auth/token/", {"username": "viewer", "password": "secret", "name": "laptop", "days": 7}), 201
    )

    assert set(made) == {"token", "name", "expiry"}
    assert made["token"] not in str(list(Token.objects.values()))
    row = Token.objects.get()
    assert (row.user, row.name, row.created_by_name) == (user, "laptop", "viewer")
    assert timedelta(days=6) < row.expiry - timezone.now() <= timedelta(days=7)
    mine = Api(token=made["token"])
    answered(mine.get(), 200)
    assert Token.objects.get().last_used_at
    assert mine.ask("DELETE", f"{BASE}/auth/token/").status_code == 204
    refused(mine.get(), 401, "not_signed_in")


@pytest.mark.parametrize(
    ("said", "status", "code"),
    [
        ({"username": "viewer", "password": "wrong"}, 401, "wrong_credentials"),
        ({"username": "nobody", "password": "secret"}, 401, "wrong_credentials"),
        ({"username": "gone", "password": "secret"}, 401, "wrong_credentials"),
        ({"username": "viewer"}, 400, "invalid"),
        ({"username": "viewer\0", "password": "secret"}, 400, "invalid"),
        ({"username": "viewer", "password": "secret", "days": 0}, 400, "invalid"),
        ({"username": "viewer", "password": "secret", "days": 366}, 400, "invalid"),
        ({}, 400, "invalid"),
    ],
)
def test_is_not_made_for_those_who_do_not_know_the_password(said, status: int, code: str):
    make_user("viewer")
    make_user("gone", is_active=False)

    refused(Api().post(f"{BASE}/auth/token/", said), status, code)
    assert not Token.objects.exists()


def test_is_made_also_beside_a_stale_token_or_session():
    make_user("viewer")

    made = Api(token="lg_stale").post(f"{BASE}/auth/token/", {"username": "viewer", "password": "secret"})

    answered(made, 201)


def test_is_not_guessed_for_long():
    make_user("viewer")
    api, said = Api(), {"username": "viewer", "password": "wrong"}
    for _ in range(5):
        refused(api.post(f"{BASE}/auth/token/", said), 401, "wrong_credentials")

    slowed = api.post(f"{BASE}/auth/token/", said | {"password": "secret"})

    refused(slowed, 429, "throttled")
    assert int(slowed["Retry-After"]) > 0
    forged = api.ask("POST", f"{BASE}/auth/token/", said, headers={"X-Forwarded-For": "203.0.113.9"})
    refused(forged, 429, "throttled")


def test_has_its_owners_rights_of_the_moment():
    location = make_location()
    user = make_user("mona")
    api = Api(user)
    refused(api.get(), 404, "not_found")

    root = make_superuser()
    access.grant(user=user, role=Role.VIEWER, on=location.deployment, actor=root)
    answered(api.get(), 200)
    refused(api.post("hold/", {"reason": "Why."}), 403, "not_allowed")
    access.grant(user=user, role=Role.EDITOR, on=location.deployment, actor=root)
    answered(api.post("hold/", {"reason": "Why."}), 201)
    access.revoke(user=user, on=location.deployment, actor=root)
    refused(api.get(), 404, "not_found")


@pytest.mark.parametrize("header", ["X-HTTP-Method-Override", "X-Method-Override", "X-HTTP-Method"])
def test_is_not_led_around_its_rights_by_another_method(header: str):
    location = make_location()
    viewer = Api(make_member(Role.VIEWER, location.deployment))

    for method, override, path in [("GET", "POST", "resume/"), ("POST", "GET", "hold/"), ("HEAD", "POST", "resume/")]:
        response = viewer.ask(
            method, path, {"reason": "Why."}, headers={header: override}, query_params={"_method": override}
        )
        assert response.status_code in {403, 405}, (method, path)
    assert not location.holds.exists()


def test_of_a_stranger_learns_nothing_from_head_and_options():
    make_location()
    stranger = Api(make_member(Role.VIEWER, make_organization("globex")))

    assert stranger.ask("HEAD", f"{LOCATION}/").status_code == 404
    there = stranger.ask("OPTIONS", f"{LOCATION}/")
    nowhere = stranger.ask("OPTIONS", LOCATION.replace("shop", "nowhere") + "/")
    assert (there.status_code, there.content) == (nowhere.status_code, nowhere.content)


def test_cannot_set_what_the_server_sets():
    location = make_location()
    editor = Api(make_member(Role.EDITOR, location.deployment))
    forged = {
        **{
            "number": 99,
            "kind": "rollback",
            "status": "SUCCEEDED",
            "digest": "0" * 64,
            "live_seq": 9,
            "verified": True,
        },
        **{"actor": {"name": "root", "kind": "person"}, "actor_name": "root", "created_at": "2001-01-01T00:00:00Z"},
        **{
            "release": {"digest": "0" * 64},
            "restores": 1,
            "previous": 1,
            "carried": {"image": {"value": "x", "from": 1}},
        },
    }

    made = answered(editor.push({"a.py": b""}, **forged), 202)

    assert (made["number"], made["kind"], made["status"], made["actor"]["name"]) == (1, "dags", "QUEUED", "editor")
    assert (made["release"], made["restores"], made["previous"], made["verified"]) == (None, None, None, None)
    assert made["created_at"] > "2026"
    assert location.deploys.get().carried == {}
