"""Signing in through the operator's OpenID Connect provider. It says who somebody is; whether they may come in is said here."""

import logging
from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import requests
from allauth.account.models import EmailAddress
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialApp, SocialLogin
from allauth.socialaccount.providers.openid_connect import views
from django.conf import settings
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone

from deployments import operations
from deployments.views.invitations import SESSION_KEY
from portal.common.problems import Absent

PROVIDER = "oidc"
logger = logging.getLogger(__name__)


class ForeignHost(requests.RequestException):
    """The provider's document names a host that the operator did not."""


class _KnownHosts(requests.Session):
    """A session that asks the operator's hosts and no other, redirects included."""

    def send(self, request: requests.PreparedRequest, **said: Any) -> requests.Response:
        """Send it, if it goes where it may. Raises ForeignHost."""
        host = urlsplit(request.url or "").netloc.lower()
        if not settings.LASTGOOD_OIDC or host not in settings.LASTGOOD_OIDC.hosts:
            raise ForeignHost(f"The provider names the host {host}: it is not in LASTGOOD_OIDC_HOSTS.")
        said["timeout"] = said.get("timeout") or settings.SOCIALACCOUNT_REQUESTS_TIMEOUT
        return super().send(request, **said)


class SingleSignOn(DefaultSocialAccountAdapter):  # type: ignore[misc]  # allauth ships no types
    """One provider, of the settings alone, and a door that is closed to whom nobody invited."""

    def list_apps(self, request: HttpRequest, provider: str | None = None, client_id: str | None = None) -> list[Any]:
        """Answer the provider of the settings, whatever rows there are."""
        asked = settings.LASTGOOD_OIDC
        if not asked or provider not in (None, "openid_connect", PROVIDER):
            return []
        app = SocialApp(provider="openid_connect", provider_id=PROVIDER, name=asked.name, client_id=asked.client_id)
        app.secret, app.settings = asked.client_secret, {"server_url": asked.issuer, "oauth_pkce_enabled": True}
        return [app]

    def get_requests_session(self) -> requests.Session:
        """Answer what asks the provider."""
        return _KnownHosts()

    def populate_user(self, request: HttpRequest, sociallogin: SocialLogin, data: dict[str, Any]) -> User:
        """Fill in who comes in, in our terms.

        Some providers write "false", which is true to Python. And a name that is an address must be the person's own:
        whoever types an address somewhere means whom it belongs to.
        """
        for each in sociallogin.email_addresses:
            each.verified = each.verified is True or str(each.verified).lower() == "true"
        user: User = super().populate_user(request, sociallogin, data)
        own = {each.email.lower() for each in sociallogin.email_addresses if each.verified}
        if "@" in user.username and user.username.lower() not in own:
            user.username = ""  # allauth finds one
        return user

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        """Let in who holds an open invitation, or has a verified address of a domain that the operator named."""
        addresses = [each.email for each in sociallogin.email_addresses]
        if addresses and _is_somebodys(addresses):
            # Never taken over by an address alone: whoever owns the account connects it from within.
            raise ImmediateHttpResponse(render(request, "socialaccount/known_address.html", status=409))
        return _is_invited(request) or _is_of_a_domain(sociallogin)


def _is_somebodys(addresses: list[str]) -> bool:
    people = any(User.objects.filter(email__iexact=address).exists() for address in addresses)
    return people or any(EmailAddress.objects.filter(email__iexact=address).exists() for address in addresses)


def _is_invited(request: HttpRequest) -> bool:
    try:
        operations.open_invitation(digest=str(request.session.get(SESSION_KEY, "")), now=timezone.now())
    except Absent:
        return False
    return True


def _is_of_a_domain(sociallogin: SocialLogin) -> bool:
    domains = settings.LASTGOOD_OIDC.domains if settings.LASTGOOD_OIDC else frozenset()
    verified = [each.email for each in sociallogin.email_addresses if each.verified]
    return any(address.rpartition("@")[2].lower() in domains for address in verified)


def _told(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Have a provider that is away, or tells nonsense of itself, be a page and not a fault of ours."""

    @wraps(view)
    def asked(request: HttpRequest, provider_id: str) -> HttpResponseBase:
        try:
            return view(request, provider_id)
        except (requests.RequestException, KeyError) as away:
            logger.warning("Single sign-on did not work: %s.", type(away).__name__)
            return render(request, "socialaccount/authentication_error.html", status=HTTPStatus.UNAUTHORIZED)

    return asked


login, callback = _told(views.login), _told(views.callback)
