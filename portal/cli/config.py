"""Which portal, and with which token: from the environment, else from `lastgood login`."""

from __future__ import annotations

import contextlib
import json
import os
import re
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from .exits import Misuse
from .terminal import warn

HOW_TO_SIGN_IN = "Run `lastgood login`, or set LASTGOOD_URL and LASTGOOD_TOKEN."


class NotConfigured(Misuse):
    """No portal or no usable token is known."""


@dataclass(frozen=True)
class Login:
    """What `lastgood login` stored."""

    url: str
    token: str
    expiry: str | None = None

    def __repr__(self) -> str:
        return f"Login(url={self.url!r})"


def path() -> Path:
    """Return where the login is stored."""
    base = os.environ.get("XDG_CONFIG_HOME", "")
    # The XDG rules: a relative path is to be taken as not set.
    root = Path(base) if os.path.isabs(base) else Path.home() / ".config"
    return root / "lastgood" / "config.json"


def stored() -> Login | None:
    """Return the stored login, if there is one. Raises NotConfigured when it cannot be read."""
    file = path()
    try:
        raw = file.read_text(encoding="utf-8")
        if os.name == "posix" and stat.S_IMODE(file.stat().st_mode) & 0o077:
            warn(f"{file} can be read by others. Run `chmod 600` on it.")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise NotConfigured(f"{file} cannot be read: {error}.") from error
    try:
        document = json.loads(raw)
        return Login(str(document["url"]), str(document["token"]), document.get("expiry"))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise NotConfigured(f"{file} is damaged. Remove it and run `lastgood login`.") from error


def store(login: Login) -> Path:
    """Keep the login for later commands, readable for nobody else, never half."""
    file = path()
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    # mkstemp creates with 0600, so that there is no moment in which others can read it.
    handle, temporary = tempfile.mkstemp(dir=file.parent, prefix=".config-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            json.dump({"url": login.url, "token": login.token, "expiry": login.expiry}, stream, indent=2)
        os.replace(temporary, file)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise
    return file


def forget() -> None:
    """Remove the stored login."""
    path().unlink(missing_ok=True)


def credentials() -> tuple[str, str]:
    """Return the URL and the token to work with. Raises NotConfigured."""
    url, token = os.environ.get("LASTGOOD_URL", ""), os.environ.get("LASTGOOD_TOKEN", "")
    if url and token:
        return checked_url(url), checked_token(token)
    login = stored()
    if login is None:
        raise NotConfigured(f"{'No token' if url else 'No portal'} is known. {HOW_TO_SIGN_IN}")
    if token:
        return checked_url(login.url), checked_token(token)
    # A token goes to the portal that gave it and to no other.
    if url and checked_url(url) != checked_url(login.url):
        raise NotConfigured(
            f"LASTGOOD_URL is {checked_url(url)}, but you are signed in to {login.url}. "
            f"Run `lastgood login --url {checked_url(url)}`, or set LASTGOOD_TOKEN."
        )
    return checked_url(login.url), checked_token(login.token)


def checked_url(value: str) -> str:
    """Return the address of a portal in its one spelling. Raises NotConfigured."""
    try:
        parts = urlsplit(value.strip())
        port = f":{parts.port}" if parts.port else ""
    except ValueError as error:
        raise NotConfigured("The address of the portal is not a URL.") from error
    if parts.scheme not in ("http", "https") or not re.fullmatch(r"[^\s%\\]+", parts.hostname or ""):
        raise NotConfigured("The address of the portal begins with http:// or https:// and names a host.")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise NotConfigured("The address of the portal holds no user name, password, query or fragment.")
    host = f"[{parts.hostname}]" if ":" in str(parts.hostname) else parts.hostname
    prefix = parts.path.rstrip("/").removesuffix("/api/v1").rstrip("/")
    try:
        return str(httpx.URL(f"{parts.scheme}://{host}{port}{prefix}")).rstrip("/")
    except httpx.InvalidURL as error:
        raise NotConfigured(f"The address of the portal is not a URL: {error}.") from error


def checked_token(value: str) -> str:
    """Return the token as a header can carry it. Raises NotConfigured; never shows the token."""
    token = value.strip()
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise NotConfigured("The token holds characters that no token has. Check LASTGOOD_TOKEN.")
    return token
