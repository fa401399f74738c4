"""Running git: words and never a shell, in a folder that goes away, with an end to its time and to its size."""

import contextlib
import logging
import os
import re
import resource
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from deployments.git.addresses import check_branch, check_folder, parse
from deployments.git.base import GitRefused, GitUnreachable, Remote, Surroundings
from deployments.git.surroundings import environment, resolve, secrets_of

logger = logging.getLogger(__name__)
PREFIX = "git-"
# How often a running git is looked at, and how much of what it complains of is read.
LOOK, MOST_WORDS = 0.1, 64 * 1024
# What it answers is kept in memory, and comes from a stranger's server: names of branches, one commit's message.
MOST_SAID = 4 * 1024**2
# Deltas and large objects are put together in memory: no repository gets more of it.
MEMORY = 2 * 1024**3
LONGEST_DETAIL = 300


class Failed(Exception):
    """git ended with a failure; `words` are those that it said, without secrets."""

    def __init__(self, words: str) -> None:
        super().__init__("git failed.")
        self.words = words


class Git:
    """git in a folder of its own, knowing one remote."""

    def __init__(self, remote: Remote, where: Surroundings, home: Path) -> None:
        check_branch(remote.branch)
        check_folder(remote.folder)
        address = parse(remote.url, remote.protocols)
        self.remote, self.home, self.limits = remote, home, where.limits
        self.alive = where.alive
        self._env = environment(remote, address, home=home, pinned=resolve(address))
        self._secrets = sorted(secrets_of(remote), key=len, reverse=True)
        self._deadline = time.monotonic() + where.limits.patience

    def run(self, *words: str) -> bytes:
        """Answer what git says. Raises Failed, GitUnreachable `timeout`, GitRefused `fetch_too_large`."""
        with tempfile.TemporaryFile(dir=self.home) as out, tempfile.TemporaryFile(dir=self.home) as complaints:
            process = self._start(words, stdin=subprocess.DEVNULL, stdout=out, stderr=complaints)
            try:
                self._watch(process, [out, complaints])
            finally:
                _end(process)
            # Also when it was quicker than that, or was ended by the system for writing more than it may.
            self._refuse_too_large([out, complaints])
            complaints.seek(0)
            if process.returncode:
                raise Failed(self._without_secrets(complaints.read(MOST_WORDS)))
            out.seek(0)
            said = out.read(MOST_SAID + 1)
            if len(said) > MOST_SAID:
                raise GitRefused(
                    f"git answered more than {MOST_SAID} bytes: look at the repository's branches and the "
                    "message of the newest commit.",
                    code="fetch_too_large",
                )
            return said

    @contextlib.contextmanager
    def pipe(self, *words: str) -> Iterator[subprocess.Popen[bytes]]:
        """Run git on what was fetched already, and talk with it until the end of the block."""
        process = self._start(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        try:
            yield process
        finally:
            _end(process)
            for end in (process.stdin, process.stdout):
                with contextlib.suppress(OSError):
                    end.close()  # type: ignore[union-attr]  # both are pipes

    def _start(
        self, words: tuple[str, ...], *, stdin: int, stdout: IO[bytes] | int, stderr: IO[bytes] | int
    ) -> subprocess.Popen[bytes]:
        try:
            process = subprocess.Popen(
                ["git", *words],
                cwd=self.home,
                env=self._env,
                stdin=stdin,
                stdout=stdout,
                stderr=stderr,
                start_new_session=True,
            )
        except FileNotFoundError as absent:
            raise GitUnreachable(
                "There is no git where the portal's workers run: install it.", code="no_git"
            ) from absent
        _bound(process.pid, self.limits.fetched_bytes)
        return process

    def _watch(self, process: subprocess.Popen[bytes], written: list[IO[bytes]]) -> None:
        while True:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(LOOK)
                return
            self.alive()
            if time.monotonic() > self._deadline:
                raise GitUnreachable(
                    f"The repository's server took longer than {self.limits.patience:g} s.", code="timeout"
                )
            self._refuse_too_large(written)

    def _refuse_too_large(self, written: list[IO[bytes]]) -> None:
        most = self.limits.fetched_bytes
        if _size_of(self.home) + sum(os.fstat(each.fileno()).st_size for each in written) >= most:
            detail = f"{most} bytes and more came: an operator sets the limit in LASTGOOD_GIT_MAX_BYTES."
            raise GitRefused(detail, code="fetch_too_large")

    def _without_secrets(self, complaint: bytes) -> str:
        words = complaint.decode(errors="replace")
        for secret in self._secrets:
            words = words.replace(secret, "…")
        return words


@contextlib.contextmanager
def git_for(remote: Remote, where: Surroundings) -> Iterator[Git]:
    """Answer git in a new folder, which is gone after the block with all that is in it. Raises GitRefused, GitUnreachable."""
    where.folder.mkdir(parents=True, exist_ok=True)
    home = Path(tempfile.mkdtemp(prefix=PREFIX, dir=where.folder)).resolve()
    try:
        yield Git(remote, where, home)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def explain(failed: Failed) -> GitUnreachable:
    """Answer what a failure to read the remote means, in a code and a sentence."""
    words = failed.words
    for pattern, code, sentence in _MEANINGS:
        if re.search(pattern, words, re.IGNORECASE):
            return GitUnreachable(f"{sentence} git says: {_gist(words)}", code=code)
    return GitUnreachable(f"git could not read the repository. It says: {_gist(words)}", code="fetch_failed")


def sweep(folder: Path, *, older_than: float) -> int:
    """Remove what killed workers left behind, and answer how much that was. `older_than` is a time in seconds."""
    swept = 0
    for left in folder.glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):
            if left.stat().st_mtime < older_than:
                shutil.rmtree(left)
                swept += 1
    return swept


_MEANINGS = [
    (
        r"returned error: 30\d",
        "redirected",
        "The server redirects, which is not followed: use the address it leads to.",
    ),
    (
        r"Authentication failed|could not read (Username|Password)|returned error: 40[13]|Permission denied",
        "access_denied",
        "The server does not let the portal in: look at the token or deploy key.",
    ),
    (
        r"Host key verification failed",
        "unknown_server",
        "The server's key is not the one in known_hosts.",
    ),
    (
        r"not found|not appear to be a git repository|does not exist|returned error: 404|not valid: is this a git",
        "no_repository",
        "There is no such repository, or the portal may not see it.",
    ),
    (
        r"Could not resolve|Connection (refused|timed out|reset)|Failed to connect|Operation too slow|No route to host",
        "unreachable",
        "The repository's server does not answer.",
    ),
]


def _gist(words: str) -> str:
    lines = [" ".join("".join(c if c.isprintable() else " " for c in line).split()) for line in words.splitlines()]
    told = [line for line in lines if line.startswith(("fatal:", "error:", "remote:"))] or [
        line for line in lines if line
    ]
    return " ".join(told[-2:])[:LONGEST_DETAIL] or "nothing."


def _size_of(folder: Path) -> int:
    found = 0
    for root, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                found += os.lstat(os.path.join(root, name)).st_size
    return found


def _bound(pid: int, most_bytes: int) -> None:
    # Linux alone can bound another process; elsewhere looking at its size has to do.
    bound = getattr(resource, "prlimit", None)
    if bound is None:
        return
    with contextlib.suppress(ProcessLookupError, PermissionError):
        bound(pid, resource.RLIMIT_DATA, (MEMORY, MEMORY))
        bound(pid, resource.RLIMIT_FSIZE, (most_bytes, most_bytes))
        bound(pid, resource.RLIMIT_CORE, (0, 0))


def _end(process: subprocess.Popen[bytes]) -> None:
    """End git and all that it started; nothing when it has ended."""
    if process.poll() is not None:
        return
    # Its helpers are in its session: none of them is left to talk with the server.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
