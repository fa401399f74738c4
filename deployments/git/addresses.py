"""Addresses, branches and folders that git may be given: nothing that it could take for an option or a command."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import urlsplit

from deployments.git.base import GitRefused

DEFAULT_PORTS = {"https": 443, "http": 80, "ssh": 22}
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?|\[[0-9A-Fa-f:.]{2,45}\]")
_USER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_SCP = re.compile(r"(?P<user>[^@:/\s]+)@(?P<host>[^@:/\s]+):(?P<path>(?!//).+)")
# What check-ref-format forbids anywhere in a name.
_NOT_IN_A_BRANCH = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//")
LONGEST_BRANCH, LONGEST_FOLDER, LONGEST_URL = 250, 500, 500


@dataclass(frozen=True)
class Address:
    """A repository's address, taken apart. `host` is empty for a folder of this machine."""

    url: str
    scheme: str
    host: str = ""
    port: int = 0
    user: str = ""

    @property
    def server(self) -> str:
        """Answer which server it leads to, and how: what one was told is not told to another."""
        return f"{self.scheme}://{self.host}:{self.port}".casefold()


def parse(url: str, protocols: Collection[str]) -> Address:
    """Take an address apart. Raises GitRefused `bad_git_url`, which repeats nothing of what may hold a password."""
    if url.startswith("-") or len(url) > LONGEST_URL or re.search(r"[\s\x00-\x1f\x7f\\]", url) or not url.isprintable():
        raise _bad("The repository's address is none: it begins with “-”, is too long, or has odd letters in it.")
    if match := _SCP.fullmatch(url):
        address = Address(url, "ssh", match["host"], DEFAULT_PORTS["ssh"], match["user"])
        path = match["path"]
    elif url.startswith("/"):
        address, path = Address(url, "file"), url
    else:
        address, path = _from_url(url)
    if address.scheme not in protocols:
        raise _bad(f"The portal does not fetch by {address.scheme}: use {', '.join(protocols)}.")
    _check_parts(address, path)
    return address


def _from_url(url: str) -> tuple[Address, str]:
    try:
        parts = urlsplit(url)
        host, port, user, password = parts.hostname or "", parts.port, parts.username, parts.password
    except ValueError as odd:
        raise _bad("The repository's address is none: use https://…, ssh://… or git@host:path.") from odd
    if parts.query or parts.fragment or "?" in url or "#" in url:
        raise _bad("The repository's address has a “?” or “#” in it: leave out what follows.")
    if parts.scheme == "file":
        if parts.netloc:
            raise _bad("A file:// address names no host: use file:///path.")
        return Address(url, "file"), parts.path
    if parts.scheme not in DEFAULT_PORTS:
        raise _bad("The repository's address is none: use https://…, ssh://… or git@host:path.")
    if password is not None or (parts.scheme != "ssh" and "@" in url):
        raise _bad("Put no user or password into the repository's address: give a token or a deploy key.")
    place = f"[{host}]" if ":" in host else host
    return Address(url, parts.scheme, place, port or DEFAULT_PORTS[parts.scheme], user or ""), parts.path


def _check_parts(address: Address, path: str) -> None:
    if address.scheme != "file" and not _HOST.fullmatch(address.host):
        raise _bad("The repository's address has no host that could be asked.")
    if address.user and not _USER.fullmatch(address.user):
        raise _bad("The repository's address names an odd user.")
    if not path.strip("/") or path.lstrip("/").startswith("-"):
        raise _bad("The repository's address names no repository on its host.")


def check_branch(branch: str) -> None:
    """Let names of branches pass, by git's own rules. Raises GitRefused `bad_branch`."""
    parts = branch.split("/")
    wrong = (
        not branch
        or len(branch.encode(errors="replace")) > LONGEST_BRANCH
        or branch.startswith("-")
        or branch.endswith(".")
        or branch == "@"
        or bool(_NOT_IN_A_BRANCH.search(branch))
        or not branch.isprintable()
        or any(not part or part.startswith(".") or part.endswith(".lock") for part in parts)
    )
    if wrong:
        raise GitRefused(f"{branch[:80]!r} is no name of a branch.", code="bad_branch")


def check_folder(folder: str) -> None:
    """Let relative folders pass; empty is the whole repository. Raises GitRefused `bad_folder`."""
    odd = folder.startswith("-") or len(folder) > LONGEST_FOLDER or not folder.isprintable() or "\\" in folder
    if folder and (odd or any(part in {"", ".", ".."} for part in folder.split("/"))):
        raise GitRefused(
            f"{folder[:80]!r} is no folder of a repository: use names with “/” between, without “.” and “..”.",
            code="bad_folder",
        )


def _bad(detail: str) -> GitRefused:
    return GitRefused(detail, code="bad_git_url")
