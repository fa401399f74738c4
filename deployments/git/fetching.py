"""Asking a branch for its head, and reading what that holds."""

import contextlib
import re
from collections.abc import Iterator
from datetime import UTC, datetime

from deployments.git.base import Commit, Fetched, GitRefused, GitUnreachable, Remote, Surroundings
from deployments.git.running import Failed, Git, explain, git_for
from deployments.git.trees import Blobs, Entry, folder_of, read_entries

REPOSITORY, HEAD = "repository.git", "refs/lastgood/head"
LONGEST_NAME, LONGEST_MESSAGE = 150, 5000
_OBJECT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


def head_of(remote: Remote, where: Surroundings) -> str:
    """Answer the commit that the branch is at. Raises GitUnreachable, GitRefused."""
    with git_for(remote, where) as git:
        ref = f"refs/heads/{remote.branch}"
        try:
            told = git.run("ls-remote", "--quiet", "--", remote.url, ref).decode(errors="replace")
        except Failed as failed:
            raise explain(failed) from None
    # A pattern also fits names that end like it.
    named = [line.partition("\t")[0] for line in told.splitlines() if line.endswith(f"\t{ref}")]
    if not named or not _OBJECT.fullmatch(named[0]):
        raise GitUnreachable(f"The repository has no branch {remote.branch}.", code="no_branch")
    return named[0]


@contextlib.contextmanager
def fetch(remote: Remote, where: Surroundings, *, like: str) -> Iterator[Fetched]:
    """Answer what the branch's head holds, as long as the block lasts. Raises GitUnreachable, GitRefused.

    The head may have moved since it was asked for: what came is what is answered. `like` is a commit of the repository,
    which tells how it names its objects.
    """
    with git_for(remote, where) as git:
        _get(git, like)
        commit = _commit(git)
        with git.pipe(*_here("cat-file", "--batch")) as talking:
            blobs = Blobs(talking, git.alive)
            folder = folder_of(_entries(git, commit.name), blobs, git.limits)
            yield Fetched(commit, folder.files, folder.submodules, lambda file: blobs.open(file.blob))


def _here(*words: str) -> tuple[str, ...]:
    return (f"--git-dir={REPOSITORY}", *words)


def _get(git: Git, like: str) -> None:
    kind = "sha256" if len(like) == 64 else "sha1"
    try:
        git.run("init", "--quiet", "--bare", "--template=", f"--object-format={kind}", REPOSITORY)
        git.run(
            *_here("fetch", "--quiet", "--depth=1", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules"),
            *("--", git.remote.url, f"+refs/heads/{git.remote.branch}:{HEAD}"),
        )
    except Failed as failed:
        if "couldn't find remote ref" in failed.words:
            raise GitUnreachable(f"The repository has no branch {git.remote.branch}.", code="no_branch") from None
        raise explain(failed) from None


def _commit(git: Git) -> Commit:
    told = _told(git, "log", "-1", "--no-color", "--format=%H%x00%ct%x00%an%x00%s%x00%b", HEAD, "--")
    name, at, author, first, body = told.decode(errors="replace").split("\0", 4)
    return Commit(
        name=name,
        author=_plain(author)[:LONGEST_NAME],
        at=_moment(at),
        message="\n\n".join(part for part in (_plain(first), body.replace("\0", "").strip()) if part)[:LONGEST_MESSAGE],
    )


def _entries(git: Git, commit: str) -> list[Entry]:
    folder = git.remote.folder
    tree = f"{commit}:{folder}" if folder else commit
    try:
        kind = git.run(*_here("cat-file", "-t", tree)).strip()
    except Failed:
        kind = b""
    if folder and kind != b"tree":
        raise GitRefused(f"There is no folder {folder} in this commit.", code="empty_folder")
    with git.pipe(*_here("ls-tree", "-r", "-z", "-l", "--full-tree", tree)) as listing:
        assert listing.stdout is not None
        found = read_entries(listing.stdout, git.limits.files)
        if listing.wait():
            raise GitRefused("The commit's folders cannot be read.", code="broken_repository")
    return found


def _told(git: Git, *words: str) -> bytes:
    try:
        return git.run(*_here(*words))
    except Failed as failed:
        raise GitRefused(f"What was fetched cannot be read: {failed.words[:200]}", code="broken_repository") from None


def _plain(text: str) -> str:
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


def _moment(seconds: str) -> datetime | None:
    try:
        return datetime.fromtimestamp(int(seconds), UTC)
    except (ValueError, OverflowError, OSError):
        return None
