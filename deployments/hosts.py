"""Which hosts the portal may call: the operator's lists. Checked when an address is set, and again whenever it is used."""

import ipaddress
from collections.abc import Collection
from urllib.parse import urlsplit

from django.conf import settings

from deployments.git.addresses import Address, parse
from deployments.git.base import GitRefused
from portal.common.problems import Invalid


def refuse_foreign_platform(url: str) -> None:
    """Refuse a platform's address that the operator did not allow. Raises Invalid."""
    refuse_foreign(
        url,
        settings.LASTGOOD_PLATFORM_HOSTS,
        setting="LASTGOOD_PLATFORM_HOSTS",
        what="the platform's address",
        code="bad_platform_url",
    )


def refuse_foreign_webhook(url: str) -> None:
    """Refuse an address to post to that the operator did not allow. Raises Invalid."""
    refuse_foreign(
        url,
        settings.LASTGOOD_WEBHOOK_HOSTS,
        setting="LASTGOOD_WEBHOOK_HOSTS",
        what="the webhook's address",
        code="bad_webhook_url",
    )


def git_address(url: str) -> Address:
    """Answer a repository's address, taken apart, if the portal may fetch from there. Raises Invalid."""
    try:
        address = parse(url, settings.LASTGOOD_GIT_PROTOCOLS)
    except GitRefused as odd:
        raise Invalid(str(odd), code=odd.code, errors=[{"field": "url", "detail": str(odd)}]) from odd
    host = address.host.strip("[]")
    if host and not is_allowed(host, settings.LASTGOOD_GIT_HOSTS):
        raise Invalid(
            f"The portal may not fetch from {host}: an operator lists the hosts in LASTGOOD_GIT_HOSTS.",
            code="host_not_allowed",
        )
    return address


def refuse_foreign(url: str, hosts: Collection[str], *, setting: str, what: str, code: str) -> None:
    """Refuse an address that is none, that carries a password, or whose host is not on the list. Raises Invalid."""
    try:
        parts = urlsplit(url)
    except ValueError as odd:
        raise Invalid(f"{what.capitalize()} is none.", code=code) from odd
    # Before anything is repeated: what stands there may be a password.
    if "@" in url:
        raise Invalid(f"Put no user or password into {what}.", code=code)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise Invalid(f"{url[:100]!r} is no http or https address.", code=code)
    if not is_allowed(parts.hostname, hosts):
        raise Invalid(
            f"The portal may not call {parts.hostname}: an operator lists the hosts in {setting}.",
            code="host_not_allowed",
        )


def is_allowed(host: str, hosts: Collection[str]) -> bool:
    """Say whether the host is on the list, by its name, its address, or the network that it is in."""
    for entry in hosts:
        if entry.casefold() == host.casefold():
            return True
        try:
            if ipaddress.ip_address(host) in ipaddress.ip_network(entry):
                return True
        except ValueError:
            continue
    return False
