"""Single sign-on …"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from deployments import access, operations
from deployments.access import Role
from portal import env
from tests import factories
from tests.matrix.test_canaries import database
from tests.pages.conftest import signed_in
from tests.signing_in.codes import code_of, protect
from tests.signing_in.provider import CLIENT, SECRET, Provider

pytestmark = pytest.mark.django_db
BUTTON = "Continue with Team SSO"
START = "/accounts/oidc/oidc/login/"


@pytest.fixture
def provider(settings: Any) -> Iterator[Provider]:
    """Answer the operator's provider, which people of example.com may come in through."""
    with Provider() as running:
        settings.LASTGOOD_OIDC = env.SingleSignOn(
            issuer=running.issuer,
            client_id=CLIENT,
            client_secret=SECRET,
            name="Team SSO",
            domains=frozenset({"example.com"}),
            hosts=frozenset({running.issuer.partition("://")[2]}),
        )
        yield running


def come_in(client: Client, provider: Provider, query: str = "?process=login") -> Any:
    """Press the button, sign in there, and come back."""
    away = client.post(f"{START}{query}")
    assert away.status_code == 302, away.content
    return client.get(provider.authorize(away["Location"]), follow=True)


def name_of(client: Client) -> str:
    """Answer who is signed in."""
    return str(client.get("/").wsgi_request.user)


def test_is_offered_only_when_it_is_configured(client: Client, settings: Any):
    settings.LASTGOOD_OIDC = None

    assert "Continue with" not in client.get("/accounts/login/").text
    assert client.post(START).status_code == 404


def test_brings_in_who_has_an_address_of_the_teams_domain(provider: Provider, client: Client):
    page = client.get("/accounts/login/?next=/downloads/")
    assert BUTTON in page.text
    assert f"form-action 'self' {provider.issuer};" in page.headers["Content-Security-Policy"]

    come_in(client, provider)

    nora = User.objects.get()
    assert name_of(client) == nora.username == "nora"
    assert (nora.email, nora.get_full_name(), nora.has_usable_password()) == ("nora@example.com", "Nora Noor", False)
    assert not nora.is_superuser
    assert "Nothing that you may see" in client.get("/").text
    come_in(Client(), provider)
    assert User.objects.count() == 1


@pytest.mark.parametrize(
    "said",
    [
        {"email": "nora@elsewhere.example"},
        {"email": "nora@sub.example.com"},
        {"email": "nora@example.com.evil.example"},
        {"email_verified": False},
        {"email_verified": "false"},
        {"email": None},
    ],
)
def test_keeps_out_who_nobody_invited(said: dict[str, Any], provider: Provider, client: Client):
    provider.person |= said

    page = come_in(client, provider)

    assert "Signing up is closed" in page.text
    assert name_of(client) == "AnonymousUser"
    assert not User.objects.exists()


def test_believes_a_provider_that_says_true_as_a_word(provider: Provider, client: Client):
    provider.person["email_verified"] = "true"

    come_in(client, provider)

    assert name_of(client) == "nora"
    assert EmailAddress.objects.get().verified is True


@pytest.mark.parametrize(
    ("name", "expected"),
    [("Nora@example.com", "Nora@example.com"), ("head@example.com", "nora"), ("nora.n", "nora.n")],
)
def test_gives_nobody_the_address_of_somebody_else_as_a_name(
    name: str, expected: str, provider: Provider, client: Client
):
    provider.person["preferred_username"] = name

    come_in(client, provider)

    assert name_of(client) == expected


def test_lets_in_who_was_invited_and_gives_the_role_that_they_accept(provider: Provider, client: Client):
    production = factories.make_deployment()
    admin = factories.make_member(Role.ADMIN, production)
    provider.person["email"] = "nora@elsewhere.example"
    _, secret = operations.invite(
        email="nora@elsewhere.example", role=Role.EDITOR, place=production, actor=admin, now=timezone.now()
    )

    assert BUTTON in client.get(f"/invitations/{secret}/", follow=True).text
    page = come_in(client, provider, "?process=login&next=/invitations/")
    assert "Accept as nora" in page.text
    client.post("/invitations/accept/")

    nora = User.objects.get(username="nora")
    assert [each.role for each in access.members(production) if each.user == nora] == [Role.EDITOR]


def test_takes_over_no_account_for_its_address(provider: Provider, client: Client):
    nora = factories.make_user("local", email="Nora@Example.com")

    page = come_in(client, provider)

    assert page.status_code == 409
    assert "There is an account with your address" in page.text
    assert name_of(client) == "AnonymousUser"
    assert User.objects.get() == nora
    assert not SocialAccount.objects.exists()


def test_is_connected_from_within_and_signs_in_then(provider: Provider):
    nora = factories.make_user("local", email="nora@example.com")
    browser = signed_in(nora)

    come_in(browser, provider, "?process=connect&next=/accounts/connections/")
    assert "Disconnect" in browser.get("/accounts/connections/").text
    other = Client()
    come_in(other, provider)

    assert name_of(other) == "local"


def test_asks_for_the_second_factor_too(provider: Provider, client: Client):
    come_in(client, provider)
    key = protect(User.objects.get())
    other = Client()

    page = come_in(other, provider)
    assert "And the code" in page.text
    assert name_of(other) == "AnonymousUser"
    other.post("/accounts/2fa/authenticate/", {"code": code_of(key)})

    assert name_of(other) == "nora"


def test_lets_in_nobody_who_is_deactivated(provider: Provider, client: Client):
    come_in(client, provider)
    User.objects.update(is_active=False)

    other = Client()
    come_in(other, provider)

    assert name_of(other) == "AnonymousUser"


def test_asks_no_host_that_the_operator_did_not_name(provider: Provider, client: Client):
    with Provider() as foreign:
        provider.document = {"token_endpoint": f"{foreign.issuer}/token"}

        page = come_in(client, provider)

        assert page.status_code == 401
        assert foreign.asked == []
    assert name_of(client) == "AnonymousUser"
    assert not User.objects.exists()


def test_believes_no_code_or_state_that_it_did_not_ask_for(provider: Provider, client: Client):
    away = client.post(f"{START}?process=login")
    back = provider.authorize(away["Location"])

    elsewhere = Client().get(back)
    forged = client.get(f"{back.partition('?')[0]}?code=code-9&state=made-up")

    assert (elsewhere.status_code, forged.status_code) == (401, 401)
    assert "Signing in did not work" in forged.text
    assert not User.objects.exists()


def test_believes_no_token_of_another_issuer(provider: Provider, client: Client):
    provider.issuer_said = "https://elsewhere.example"

    assert come_in(client, provider).status_code == 401
    assert not User.objects.exists()


def test_says_so_when_the_provider_is_away(provider: Provider, client: Client, settings: Any):
    settings.LASTGOOD_OIDC = replace(
        settings.LASTGOOD_OIDC, issuer="http://127.0.0.1:9", hosts=frozenset({"127.0.0.1:9"})
    )

    answer = client.post(f"{START}?process=login")

    assert answer.status_code == 401
    assert "Signing in did not work" in answer.text


def test_keeps_its_secrets(provider: Provider, client: Client):
    page = come_in(client, provider)

    everything = page.text + database() + client.get("/accounts/connections/").text

    assert SECRET not in everything


@pytest.mark.parametrize(
    "said",
    [
        {"LASTGOOD_OIDC_ISSUER": "sso.example.com", "LASTGOOD_OIDC_CLIENT_ID": "x"},
        {"LASTGOOD_OIDC_ISSUER": "https://user:pw@sso.example.com", "LASTGOOD_OIDC_CLIENT_ID": "x"},
        {"LASTGOOD_OIDC_ISSUER": "https://sso.example.com"},
    ],
)
def test_is_not_set_up_with_nonsense(said: dict[str, str], monkeypatch: pytest.MonkeyPatch):
    for name, value in said.items():
        monkeypatch.setenv(name, value)

    with pytest.raises(env.ImproperlyConfigured, match="LASTGOOD_OIDC"):
        env.single_sign_on("LASTGOOD_OIDC")


def test_is_set_up_from_the_environment(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LASTGOOD_OIDC_ISSUER", "https://sso.example.com/realms/team/")
    monkeypatch.setenv("LASTGOOD_OIDC_CLIENT_ID", "lastgood")
    monkeypatch.setenv("LASTGOOD_OIDC_DOMAINS", "Example.com, @team.example")
    monkeypatch.setenv("LASTGOOD_OIDC_HOSTS", "keys.example.com")

    found = env.single_sign_on("LASTGOOD_OIDC")

    assert found
    assert found.issuer == "https://sso.example.com/realms/team"
    assert found.domains == {"example.com", "team.example"}
    assert found.hosts == {"sso.example.com", "keys.example.com"}
