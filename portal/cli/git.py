"""What git knows of the directories that are deployed, with what CI knows filled in."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from . import ci
from .exits import Misuse
from .gitdata import GitData, public_url
from .ignored import Ignored
from .terminal import warn

# No lock is taken, no configured program is started, and words come in English.
_SAFE = ("-c", "core.fsmonitor=false", "-c", "log.showSignature=false", "-c", "i18n.logOutputEncoding=UTF-8")
_ENVIRONMENT = {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
# Inside a hook these name another repository than the directory's own.
_MISLEADING = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX")
_SECONDS = 60
_SHOWN = 5


class Uncommitted(Misuse):
    """What would be deployed is in no commit."""


def describe(directory: Path, environment: Mapping[str, str]) -> GitData:
    """Return what git says about a directory's commit, and CI where git is silent."""
    local, from_ci = _from_checkout(directory), ci.from_environment(environment)
    if local.commit is None:
        return from_ci
    # A directory of another repository than the one CI runs for has nothing to do with CI's branch.
    if not local.describes_same(from_ci):
        return local
    return replace(local, branch=local.branch or from_ci.branch, url=local.url or from_ci.url)


def check_committed(directories: Iterable[Path], *, force: bool) -> bool:
    """Say whether all that would be deployed is in a commit. Raises Uncommitted, unless forced."""
    changed = [str(directory / path) for directory in directories for path in _changes(directory)]
    if changed and not force:
        more = len(changed) - _SHOWN
        listed = [*changed[:_SHOWN], *([f"and {more} more"] if more > 0 else [])]
        raise Uncommitted(
            "\n  ".join(["Not committed:", *listed])
            + "\nCommit what is meant to go, or use --force to deploy it as it is."
        )
    return not changed


def _from_checkout(directory: Path) -> GitData:
    # %x00 parts the fields: no name and no subject holds it.
    found = _git(directory, "log", "-1", "--no-show-signature", "--format=%H%x00%aN%x00%cI%x00%s")
    if not found:
        return GitData()
    commit, author, committed_at, subject = found.rstrip("\n").split("\0", 3)
    return GitData(
        commit=commit,
        branch=_line(_git(directory, "symbolic-ref", "--short", "--quiet", "HEAD")),
        url=public_url(_line(_git(directory, "config", "--get", "remote.origin.url"))),
        author=author or None,
        message=subject or None,
        committed_at=committed_at or None,
    )


def _changes(directory: Path) -> list[str]:
    listed = _git(directory, "status", "--porcelain=v1", "-z", "--no-renames", "--untracked-files=all", "--", ".")
    if not listed:
        return []
    # git tells paths from the top of the repository; what is not deployed need not be committed.
    below = _line(_git(directory, "rev-parse", "--show-prefix")) or ""
    paths = [entry[3:].removeprefix(below) for entry in listed.split("\0") if entry]
    ignored = Ignored(directory.resolve())
    return [path for path in paths if not ignored.leaves_out(tuple(path.rstrip("/").split("/")))]


def _git(directory: Path, *arguments: str) -> str | None:
    """Run git in a directory; None when there is no git, no repository, or no answer."""
    kept = {name: value for name, value in os.environ.items() if name not in _MISLEADING}
    try:
        done = subprocess.run(
            ["git", *_SAFE, *arguments],
            cwd=directory,
            env={**kept, **_ENVIRONMENT},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    if done.returncode == 0:
        return done.stdout.decode("utf-8", "replace")
    if b"dubious ownership" in done.stderr:
        warn(f"git does not read {directory}, which is another user's: see safe.directory in its help.")
    return None


def _line(answer: str | None) -> str | None:
    return (answer or "").rstrip("\n") or None
