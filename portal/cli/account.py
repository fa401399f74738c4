"""Signing in and out: a token for a person, stored where only that person reads it."""

from __future__ import annotations

import os
import socket
import sys
from urllib.parse import urlsplit

import click

from . import config
from .api import Document, Portal
from .dates import full
from .exits import Misuse
from .problems import Refused, Unreachable
from .session import json_option, problems_as_json
from .terminal import notice, print_json, say, warn

_HERE = ("localhost", "127.0.0.1", "::1")


@click.command()
@click.option("--url", metavar="URL", help="The portal; LASTGOOD_URL or the last one if not given.")
@click.option("--username", metavar="NAME", help="Who signs in.")
@click.option("--name", metavar="TEXT", help="What the token is called in the portal; names this host if not given.")
@click.option("--code", metavar="CODE", help="The code of your second factor; asked for on a terminal if it is needed.")
@json_option
def login(url: str | None, username: str | None, name: str | None, code: str | None, as_json: bool) -> None:
    """Sign in with a password, and a code if your account has a second factor; keep the token.

    User name and password are asked for on a terminal. Without one, give --username;
    the password is LASTGOOD_PASSWORD, or the first line of standard input.

    \b
    Examples:
      lastgood login --url https://lastgood.example.com
      lastgood login --username ci < password.txt
    """
    url = _url(url)
    _warn_if_readable(url)
    body: Document = {
        "username": username or _ask("User name", "--username"),
        "password": _password(),
        "name": (name or f"lastgood on {socket.gethostname()}")[:100],
    }
    if code:
        body["code"] = code
    with Portal(url) as portal, problems_as_json(as_json):
        found = _sign_in(portal, body)
        token, expiry = config.checked_token(str(portal.field(found, "token"))), found.get("expiry")
    config.store(config.Login(url, token, expiry))
    if os.environ.get("LASTGOOD_TOKEN"):
        warn("LASTGOOD_TOKEN is set and is used instead of this token.")
    if as_json:
        # Everything that was answered but the token, which is never shown.
        print_json({"url": url, **{key: value for key, value in found.items() if key != "token"}})
    else:
        say(f"Signed in to {url} as {body['username']}" + (f" until {full(expiry)}." if expiry else "."))


@click.command()
@json_option
def logout(as_json: bool) -> None:
    """Revoke the stored token and forget it.

    \b
    Example:
      lastgood logout
    """
    stored = config.stored()
    if stored is not None:
        # Forgotten first: whatever the portal says, this computer is signed out.
        config.forget()
        with Portal(stored.url, stored.token) as portal, problems_as_json(as_json):
            _revoke(portal)
    if os.environ.get("LASTGOOD_TOKEN"):
        notice("LASTGOOD_TOKEN is still set.")
    url = stored.url if stored else None
    if as_json:
        print_json({"url": url, "revoked": stored is not None})
    else:
        say(f"Signed out of {url}." if url else "You were not signed in.")


def _sign_in(portal: Portal, body: Document) -> Document:
    """Sign in; ask for the code when the portal wants one and somebody is there to ask."""
    try:
        return portal.sign_in(body)
    except Refused as refusal:
        if (refusal.problem or {}).get("code") != "code_required":
            raise
        if not sys.stdin.isatty():
            raise Misuse("Your account has a second factor. Give its code with --code.") from refusal
    return portal.sign_in(body | {"code": str(click.prompt("Code of your second factor", err=True))})


def _url(given: str | None) -> str:
    if known := given or os.environ.get("LASTGOOD_URL"):
        return config.checked_url(known)
    stored = config.stored()
    return stored.url if stored else config.checked_url(_ask("Address of the portal", "--url"))


def _ask(what: str, option: str) -> str:
    if not sys.stdin.isatty():
        raise Misuse(f"{what} is not known and there is no terminal to ask on. Give {option}.")
    return str(click.prompt(what, err=True))


def _password() -> str:
    password = os.environ.get("LASTGOOD_PASSWORD")
    if not password and sys.stdin.isatty():
        return str(click.prompt("Password", hide_input=True, err=True))
    password = password or sys.stdin.readline().rstrip("\r\n")
    if not password:
        raise Misuse("There is no password. Set LASTGOOD_PASSWORD, or write it to standard input.")
    return password


def _revoke(portal: Portal) -> None:
    try:
        portal.sign_out()
    except Unreachable as problem:
        raise Unreachable(
            f"You are signed out here, but the token is not revoked: {problem.message}\nRevoke it in the portal."
        ) from problem
    except Refused as refusal:
        # A token that is not valid any more needs no revoking.
        if refusal.status != 401:
            raise


def _warn_if_readable(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme == "http" and parts.hostname not in _HERE:
        warn(f"{url} is not encrypted: others on the way can read the password.")
