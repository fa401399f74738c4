"""Commits: links to them, of which only http and https ever become one, and when they were made."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlsplit

_SCP = re.compile(r"^(?:[\w.-]+@)([\w.-]+):(?!//)(.+)$")
# An address that leads into a repository, as CI likes to send it: what comes before is the repository's own.
_INSIDE = re.compile(r"(?<=/)([^/]+)/(?:-/)?(?:tree|commit|commits|src|blob|browse)/.*$")
# What an operator's template may speak of.
LINK_FIELDS = {"repository", "path", "commit"}


def commit_url(git: Mapping[str, Any], template: str = "") -> str | None:
    """Answer the page of the commit at its forge, or None when repository and commit do not tell.

    Forges: GitHub, Gitea and their like use `/commit/`, GitLab `/-/commit/`, Bitbucket `/commits/`. A `template` says it
    for all others: `{repository}` is the repository's web address, `{path}` its path alone, `{commit}` the commit.
    """
    commit, repository = str(git.get("commit") or ""), web_address(str(git.get("url") or ""))
    if not re.fullmatch(r"[0-9a-fA-F]{7,64}", commit):
        return None
    if template:
        return _from_template(template, repository, commit)
    if not repository:
        return None
    host = urlsplit(repository).hostname or ""
    word = "-/commit" if "gitlab" in host else "commits" if "bitbucket" in host else "commit"
    return f"{repository}/{word}/{commit}"


def web_address(url: str) -> str | None:
    """Answer a repository's web address, without any credentials: `git@host:a/b.git` and `ssh://` forms too."""
    if match := _SCP.match(url.strip()):
        url = f"https://{match[1]}/{match[2]}"
    try:
        parts = urlsplit(url.strip())
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if parts.scheme not in {"http", "https", "ssh", "git"} or not host or not re.fullmatch(r"[\w.-]+", host):
        return None
    scheme = "http" if parts.scheme == "http" else "https"
    place = f"{host}:{port}" if port and parts.scheme in {"http", "https"} else host
    inside = _INSIDE.sub(r"\1", parts.path.strip("/"))
    path = quote(inside.strip("/").removesuffix(".git"), safe="/-._~")
    return f"{scheme}://{place}/{path}" if path else None


def without_credentials(url: str) -> str:
    """Answer a repository's address as everybody may read it, without user, password and query; `git@host:path` stays."""
    if re.fullmatch(r"[\w.-]+@[\w.-]+:[^\s:@]+", url):
        return url
    scheme, mark, rest = url.partition("://") if "://" in url else ("", "", url)
    # Up to an @ before the path; or, when a password has slashes in it, up to the last one.
    rest = re.sub(r"^(/*)(?:[^/?#]*|[^/?#]*:.*)@", r"\1", rest)
    return f"{scheme}{mark}{re.split('[?#]', rest)[0]}"


def moment_as_text(at: datetime) -> str:
    """Answer a commit's time as it is kept: in UTC, to the second, as 2026-11-21T12:00:00Z."""
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def moment_in(text: str) -> datetime:
    """Answer the time that ISO 8601 with a time zone says. Raises ValueError."""
    try:
        said = datetime.fromisoformat(text)
        if said.tzinfo is None:
            raise ValueError("It has no time zone.")
        return said.astimezone(UTC)
    except OverflowError as odd:
        raise ValueError("It is beyond all calendars.") from odd


def _from_template(template: str, repository: str | None, commit: str) -> str | None:
    if repository is None and ("{repository}" in template or "{path}" in template):
        return None
    path = urlsplit(repository).path.strip("/") if repository else ""
    # No format strings: what stands in the template is the operator's text, and nothing of it is looked up.
    link = template.replace("{repository}", repository or "").replace("{path}", path).replace("{commit}", commit)
    return link if link.startswith(("http://", "https://")) else None
