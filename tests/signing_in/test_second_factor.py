"""A second factor …"""

import logging
import re
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client

from deployments.models import Token
from portal.common.secret_field import unseal
from tests.factories import make_superuser, make_user
from tests.matrix.scene import send
from tests.matrix.test_canaries import database
from tests.pages.conftest import signed_in
from tests.signing_in.codes import code_of, protect

pytestmark = pytest.mark.django_db
TOKENS = "/api/v1/auth/token/"
SAID = {"username": "mona", "password": "secret"}


@pytest.fixture
def mona() -> User:
    """Answer somebody with a password."""
    return make_user("mona")


def sign_in(client: Client, *, password: str = "secret") -> Any:
    return client.post("/accounts/login/", {"login": "mona", "password": password}, follow=True)


def is_in(client: Client) -> bool:
    return client.get("/account/tokens/").status_code == 200


def test_is_set_up_with_a_code_of_the_app(mona: User, client: Client):
    sign_in(client)
    asked = client.get("/accounts/2fa/totp/activate/", follow=True)
    assert "Is it you?" in asked.text
    page = client.post(
        "/accounts/reauthenticate/", {"password": "secret", "next": "/accounts/2fa/totp/activate/"}, follow=True
    )
    key = re.search(r'id="totp-key"[^>]*>(\w+)<', page.text)[1]

    wrong = client.post("/accounts/2fa/totp/activate/", {"code": "000000"})
    done = client.post("/accounts/2fa/totp/activate/", {"code": code_of(key)}, follow=True)

    assert "Incorrect code" in wrong.text
    assert len(re.findall(r"\b\d{8}\b", done.text)) == 10
    assert set(Authenticator.objects.values_list("type", flat=True)) == {"totp", "recovery_codes"}


def test_is_asked_for_after_the_password(mona: User, client: Client):
    key = protect(mona)

    page = sign_in(client)
    assert "And the code" in page.text
    assert not is_in(client)
    refused = client.post("/accounts/2fa/authenticate/", {"code": "000000"})
    assert not is_in(client)
    client.post("/accounts/2fa/authenticate/", {"code": code_of(key)})

    assert "Incorrect code" in refused.text
    assert is_in(client)


def test_takes_a_code_once_in_every_process(mona: User):
    key = protect(mona)
    code = code_of(key)
    first, second = Client(), Client()
    for browser in (first, second):
        sign_in(browser)
        browser.post("/accounts/2fa/authenticate/", {"code": code})

    assert is_in(first)
    assert not is_in(second)


def test_takes_each_recovery_code_once(mona: User):
    protect(mona)
    codes = Authenticator.objects.get(type="recovery_codes").wrap().get_unused_codes()
    browsers = [Client(), Client()]
    for browser in browsers:
        sign_in(browser)
        browser.post("/accounts/2fa/authenticate/", {"code": codes[0]})

    assert [is_in(browser) for browser in browsers] == [True, False]
    assert len(Authenticator.objects.get(type="recovery_codes").wrap().get_unused_codes()) == 9


def test_is_not_guessed_for_long(mona: User, client: Client):
    key = protect(mona)
    sign_in(client)
    for guess in range(5):
        client.post("/accounts/2fa/authenticate/", {"code": f"{guess:06}"})

    late = client.post("/accounts/2fa/authenticate/", {"code": code_of(key)})
    by_api = send(Client(), "POST", TOKENS, SAID | {"code": code_of(key)})

    assert "Too many" in late.text
    assert not is_in(client)
    assert by_api.status_code == 401


def test_counts_where_every_process_sees_it(mona: User, client: Client):
    sign_in(client, password="wrong")

    assert "portal_cache" in database()
    assert cache._table == "portal_cache"
    assert re.search(r"portal_cache: \[\(.*rl", database())


def test_is_asked_for_by_the_api_too(mona: User, client: Client):
    key = protect(mona)

    without = send(client, "POST", TOKENS, SAID)
    wrong = send(client, "POST", TOKENS, SAID | {"code": "000000"})
    no_password = send(client, "POST", TOKENS, SAID | {"password": "x", "code": code_of(key)})
    made = send(client, "POST", TOKENS, SAID | {"code": code_of(key)})
    again = send(client, "POST", TOKENS, SAID | {"code": code_of(key)})

    assert [answer.status_code for answer in (without, wrong, no_password, made, again)] == [401, 401, 401, 201, 401]
    assert [answer.json()["code"] for answer in (without, wrong, no_password)] == [
        "code_required",
        "wrong_code",
        "wrong_credentials",
    ]
    assert Token.objects.count() == 1


def test_is_not_asked_of_who_has_none(mona: User, client: Client):
    assert send(client, "POST", TOKENS, SAID).status_code == 201


def test_is_switched_off_with_the_password(mona: User, client: Client):
    key = protect(mona)
    sign_in(client)
    client.post("/accounts/2fa/authenticate/", {"code": code_of(key)})
    client.post("/accounts/reauthenticate/", {"password": "secret", "next": "/accounts/2fa/"})

    page = client.get("/accounts/2fa/totp/deactivate/")
    done = client.post("/accounts/2fa/totp/deactivate/", follow=True)

    assert "Switch off the second factor?" in page.text
    assert "The second factor is off." in done.text
    assert not Authenticator.objects.exists()


def test_is_kept_encrypted_and_shown_nowhere_else(mona: User, client: Client, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.INFO)
    key = protect(mona)
    codes = Authenticator.objects.get(type="recovery_codes").wrap().get_unused_codes()
    sign_in(client)
    client.post("/accounts/2fa/authenticate/", {"code": code_of(key)})
    root = signed_in(make_superuser())
    pages = [
        client.get(path).text for path in ("/", "/accounts/2fa/", "/account/tokens/", "/accounts/password/change/")
    ]
    rows = Authenticator.objects.values_list("pk", flat=True)
    pages += [root.get(f"/admin/mfa/authenticator/{pk}/change/").text for pk in rows]
    pages += [root.get("/admin/mfa/authenticator/").text]

    everything = "".join(pages) + caplog.text + database()

    assert key not in everything
    assert not [code for code in codes if code in everything]
    assert unseal(Authenticator.objects.get(type="totp").data["secret"]) == key


def test_whose_key_cannot_be_read_any_more_lets_nobody_in(mona: User, client: Client, settings: Any):
    protect(mona)
    empty = code_of("")
    settings.LASTGOOD_ENCRYPTION_KEYS = ["another"]

    sign_in(client)
    client.post("/accounts/2fa/authenticate/", {"code": empty})

    assert not is_in(client)


def test_is_removed_by_a_superuser_for_who_lost_it(mona: User, client: Client):
    protect(mona)
    pk = Authenticator.objects.get(type="totp").pk

    stranger = signed_in(make_user("nora"))
    assert stranger.post(f"/admin/mfa/authenticator/{pk}/delete/", {"post": "yes"}).status_code in {403, 404}
    signed_in(make_superuser()).post(f"/admin/mfa/authenticator/{pk}/delete/", {"post": "yes"})
    sign_in(client)

    assert is_in(client)


PAGES = ["/accounts/2fa/", "/accounts/2fa/recovery-codes/", "/accounts/2fa/recovery-codes/generate/"]
PAGES += ["/accounts/2fa/totp/deactivate/", "/accounts/password/change/", "/accounts/connections/", "/accounts/logout/"]
PAGES += ["/accounts/cancelled/", "/accounts/error/", "/accounts/inactive/", "/accounts/2fa/reauthenticate/"]


@pytest.mark.parametrize("path", PAGES)
def test_and_all_its_pages_have_our_look_and_nothing_inline(path: str, mona: User, client: Client):
    key = protect(mona)
    sign_in(client)
    client.post("/accounts/2fa/authenticate/", {"code": code_of(key)})
    client.post("/accounts/reauthenticate/", {"password": "secret", "next": "/accounts/2fa/"})

    answer = client.get(path)

    assert answer.status_code in {200, 401}
    assert 'class="brand"' in answer.text
    assert "script-src 'self';" in answer.headers["Content-Security-Policy"]
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", answer.text)


@pytest.mark.parametrize("known", ["mona", "MONA"])
def test_has_a_password_before_it_that_the_api_does_not_let_be_guessed_either(known: str, mona: User, client: Client):
    for guess in range(5):
        wrong = send(
            Client(REMOTE_ADDR=f"192.0.2.{guess}"), "POST", TOKENS, SAID | {"username": known, "password": "?"}
        )
        assert wrong.status_code == 401

    late = send(Client(REMOTE_ADDR="192.0.2.99"), "POST", TOKENS, SAID)

    assert late.status_code == 429
    assert not Token.objects.exists()
    sign_in(client)
    assert not is_in(client)


def test_is_counted_by_the_address_that_the_proxy_tells(settings: Any):
    assert settings.REST_FRAMEWORK["NUM_PROXIES"] == settings.ALLAUTH_TRUSTED_PROXY_COUNT
