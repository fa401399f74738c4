"""Links to commits. Only http and https ever become a link."""

import re
from typing import Any
from urllib.parse import quote, urlsplit

_SCP = re.compile(r"^(?:[\w.-]+@)([\w.-]+):(?!//)(.+)$")


def commit_url(git: dict[str, Any]) -> str | None:
    """Answer the page of the commit at its forge, or None when repository and commit do not tell.

    Forges: GitHub, Gitea and their like use `/commit/`, GitLab `/-/commit/`, Bitbucket `/commits/`.
    """
    commit, repository = str(git.get("commit") or ""), web_address(str(git.get("url") or ""))
    if not re.fullmatch(r"[0-9a-fA-F]{7,64}", commit) or not repository:
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
    path = quote(parts.path.strip("/").removesuffix(".git"), safe="/-._~")
    return f"{scheme}://{place}/{path}" if path else None
