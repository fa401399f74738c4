"""A secret …"""

import logging
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib import admin
from django.db import connection
from django.test import Client
from django.urls import reverse

from deployments.models import Deploy, Deployment, Organization, Token
from tests.factories import make_user, superuser
from tests.matrix.rows import API, DEPLOY, DEPLOYMENT, IMAGE, LOCATION, ORGANIZATION
from tests.matrix.scene import OWN, Scene, bearer, content_of, send

pytestmark = [pytest.mark.django_db, pytest.mark.services]

CANARY = "c4n4ry-0f-the-m1ne"
SHOP = vars(OWN)
LISTS = [
    f"{API}/organizations/",
    ORGANIZATION,
    f"{ORGANIZATION}deployments/",
    DEPLOYMENT,
    f"{DEPLOYMENT}code-locations/",
]
LISTS += [
    LOCATION,
    f"{LOCATION}deploys/",
    f"{API}/schema/",
    "/metrics",
    "/readyz",
    "/",
    "/deployments/acme/production/",
]
LISTS += [f"/deployments/acme/production/shop/{rest}" for rest in ("", "rollback/?to=1", "hold/")]

PLATFORMS = [
    f"http://user:{CANARY}@localhost:3000/",
    f"http://{CANARY}@localhost:3000/",
    f"http://user:{CANARY}@169.254.169.254/",
    f"http://user:{CANARY}@elsewhere.example/",
    f"http://user:{CANARY}@localhost:port/",
]
# What is sent, and what is kept.
REPOSITORIES = [
    (f"https://user:{CANARY}@host/x.git", "https://host/x.git"),
    (f"https://{CANARY}@host:8443/x.git", "https://host:8443/x.git"),
    (f"https://user:{CANARY}/part@host/x.git", "https://host/x.git"),
    (f"https://user:{CANARY}@more@host/x.git", "https://host/x.git"),
    (f"https://host/x.git?access_token={CANARY}#{CANARY}", "https://host/x.git"),
    (f"HTTPS://user:{CANARY}@host/x", "HTTPS://host/x"),
    (f"ssh://git:{CANARY}@host:22/x.git", "ssh://host:22/x.git"),
    (f"user:{CANARY}@host/x.git", "host/x.git"),
    (f"//user:{CANARY}@host/x.git", "//host/x.git"),
    ("git@host:team/x.git", "git@host:team/x.git"),
    ("https://host/team@home/x.git", "https://host/team@home/x.git"),
]

Told = Callable[[], str]


@pytest.fixture
def told(scene: Scene, client: Client, caplog: pytest.LogCaptureFixture) -> Told:
    """Answer what answers everything that anybody may read: answers, pages, admin, logs and the database."""
    caplog.set_level(logging.DEBUG)
    # It would tell of every variable that a template of the admin does without.
    caplog.set_level(logging.INFO, logger="django.template")

    def tell() -> str:
        browser = Client()
        browser.force_login(superuser())
        urls = [path.format(**SHOP) for path in LISTS] + _deploys() + _admin()
        answers = [browser.get(url) for url in urls]
        assert {answer.status_code for answer in answers} <= {200, 302, 403, 404}
        return "\n".join([*(content_of(answer).decode() for answer in answers), caplog.text, database()])

    return tell


def _deploys() -> list[str]:
    numbers = Deploy.objects.filter(code_location__name="shop", number__gt=4).values_list("number", flat=True)
    api = [f"{DEPLOY}{rest}".format(**SHOP, number=number) for number in numbers for rest in ("", "events/")]
    pages = ("", "live/", "log.txt", "files/", "files/?mount=dags", "file/?mount=dags&path=a.py")
    return api + [f"/deployments/acme/production/shop/deploys/{number}/{page}" for number in numbers for page in pages]


def _admin() -> list[str]:
    urls = [reverse("admin:index")]
    for model in admin.site._registry:
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        urls.append(reverse(f"{name}_changelist"))
        newest = model._default_manager.order_by("-pk").first()
        urls += [reverse(f"{name}_change", args=[newest.pk])] if newest else []
    return urls


def database() -> str:
    """Answer every row of every table."""
    with connection.cursor() as cursor:
        found = []
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            found.append(f"{table}: {cursor.fetchall()!r}")
    return "\n".join(found)


def test_token_is_told_once_and_kept_as_a_hash(scene: Scene, client: Client, told: Told):
    make_user("signer", is_superuser=True)
    body = {"username": "signer", "password": "secret", "name": "laptop"}

    token = send(client, "POST", f"{API}/auth/token/", body).json()["token"]
    used = send(client, "GET", LOCATION.format(**SHOP), headers={"Authorization": f"Bearer {token}"})
    wrong = send(client, "GET", LOCATION.format(**SHOP), headers={"Authorization": f"Bearer {token}{CANARY}"})

    assert (used.status_code, wrong.status_code) == (200, 401)
    everything = told() + content_of(used).decode() + wrong.content.decode()
    # The first letters are stored, to be looked up by.
    assert token not in everything
    assert token[15:] not in everything
    assert CANARY not in everything
    assert Token.objects.get(name="laptop").last_used_at is not None


def test_of_a_deployment_is_kept_encrypted_and_never_told(scene: Scene, client: Client, told: Told):
    secrets = {"platform_headers": {"X-Key": CANARY}, "webhook_secret": CANARY, "registry_password": CANARY}
    body = {"platform": "dagster", "platform_url": "http://localhost:9/", "registry": "localhost:5000", **secrets}
    bodies: list[Any] = [
        body,
        {"platform_headers": {"Host": CANARY}},
        {"platform_headers": {"X": f"{CANARY}\n{CANARY}"}},
    ]
    headers = bearer(superuser())

    url = DEPLOYMENT.format(**SHOP)
    answers = [send(client, "PATCH", url, each, headers) for each in bodies]
    tested = send(client, "POST", f"{url}connection-test/", {}, headers)

    assert [answer.status_code for answer in answers] == [200, 400, 400]
    assert tested.status_code == 409
    everything = told() + "".join(content_of(answer).decode() for answer in [*answers, tested])
    assert CANARY not in everything
    kept = Deployment.objects.get(organization__slug="acme", slug="production")
    assert (kept.webhook_secret, kept.registry_password) == (CANARY, CANARY)
    assert CANARY in kept.platform_headers
    # Another server's address: what the first one was told is not told to it.
    assert send(client, "PATCH", url, {"platform_url": "http://127.0.0.1:9/"}, headers).status_code == 200
    assert Deployment.objects.get(pk=kept.pk).platform_headers == ""


def test_password_is_not_repeated(scene: Scene, client: Client, told: Told):
    make_user("signer")
    bodies: list[Any] = [{"username": "signer", "password": CANARY}, {"username": "nobody", "password": CANARY}]
    bodies += [
        {"username": "signer", "password": CANARY, "days": 0},
        {"password": [CANARY]},
        {"password": {"a": CANARY}},
    ]

    answers = [send(client, "POST", f"{API}/auth/token/", body) for body in bodies]
    page = client.post("/accounts/login/", {"login": "signer", "password": CANARY})

    assert [answer.status_code for answer in answers] == [401, 401, 400, 400, 400]
    assert answers[0].content == answers[1].content, "A wrong password must not tell a right name."
    assert all(CANARY not in answer.content.decode() for answer in [*answers, page])
    assert CANARY not in told()


def test_in_a_platforms_address_is_refused(scene: Scene, client: Client, told: Told):
    headers = bearer(superuser())
    for address in PLATFORMS:
        for method, path in (("PATCH", DEPLOYMENT), ("POST", f"{ORGANIZATION}deployments/")):
            body = {"platform": "dagster", "platform_url": address} | ({"slug": "new"} if method == "POST" else {})
            answer = send(client, method, path.format(**SHOP), body, headers)
            assert answer.status_code == 400, (method, address)
            assert CANARY not in answer.content.decode(), (method, address)

    assert CANARY not in told()


def test_metrics_token_is_shown_nowhere(scene: Scene, client: Client, settings: Any, told: Told):
    settings.LASTGOOD_METRICS_TOKEN = CANARY

    answers = [client.get("/metrics", headers={"Authorization": f"Bearer {word}"}) for word in (CANARY, f"{CANARY}1")]

    assert [answer.status_code for answer in answers] == [200, 401]
    assert all(CANARY not in answer.content.decode() for answer in answers)
    assert CANARY not in told()


def test_idempotency_key_is_kept_as_a_mac(scene: Scene, client: Client, told: Told):
    headers = bearer(superuser())
    url = f"{LOCATION}hold/".format(**SHOP)
    sent = [({"reason": "Wait."}, CANARY), ({"reason": "Wait."}, CANARY), ({"reason": "Else."}, CANARY)]
    sent += [({"reason": "Wait."}, CANARY * 20)]

    answers = [send(client, "POST", url, body, headers | {"Idempotency-Key": key}) for body, key in sent]

    assert [answer.status_code for answer in answers] == [201, 201, 409, 400]
    assert all(CANARY not in f"{answer.content.decode()}{answer.headers}" for answer in answers)
    assert CANARY not in told()


def test_in_a_repositorys_address_is_not_stored(scene: Scene, client: Client, told: Told):
    headers = bearer(superuser())
    for sent, kept in REPOSITORIES:
        body = {"bundles": {"dags": None}, "image": IMAGE, "git": {"url": sent, "commit": "b" * 40}}
        answer = send(client, "POST", f"{LOCATION}deploys/".format(**SHOP), body, headers)
        assert answer.status_code == 202, answer.content
        assert CANARY not in answer.content.decode(), sent
        assert Deploy.objects.latest("pk").git["url"] == kept

    assert CANARY not in told()


def test_free_text_is_shown_escaped_and_never_as_markup(scene: Scene, client: Client, told: Told):
    mark = f"<i id={CANARY}>"
    headers = bearer(superuser())
    Organization.objects.filter(slug="acme").update(name=mark)
    scene.production.code_locations.filter(name="shop").update(drift=mark)
    git = {"url": f"javascript:alert('{CANARY}')", "commit": "c" * 40, "branch": mark, "author": mark, "message": mark}
    body = {"bundles": {"dags": None}, "image": mark, "runtime_version": mark, "description": mark, "git": git}
    answers = [
        send(client, "PATCH", DEPLOYMENT.format(**SHOP), {"name": mark}, headers),
        send(client, "POST", f"{LOCATION}deploys/".format(**SHOP), body | {"metadata": {mark: mark}}, headers),
        send(client, "POST", f"{LOCATION}hold/".format(**SHOP), {"reason": mark}, headers),
    ]
    assert [answer.status_code for answer in answers] == [200, 202, 201]

    client.force_login(superuser())
    pages = [url.format(**SHOP) for url in LISTS if not url.startswith(API)] + _deploys()[2:] + _admin()
    shown = {url: content_of(client.get(url)).decode() for url in pages}

    assert any(f"&lt;i id={CANARY}&gt;" in page for page in shown.values())
    assert [url for url, page in shown.items() if mark in page and "<html" in page] == []
    assert [url for url, page in shown.items() if 'href="javascript:' in page] == []
