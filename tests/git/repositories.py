"""A real bare repository, and somebody who pushes to it."""

import os
import subprocess
from pathlib import Path

AUTHOR = "Ada Lovelace"


class Repository:
    """A bare repository at `path`; commits are made with plumbing, so that anything can stand in them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.run("init", "--quiet", "--bare", str(path))

    @property
    def url(self) -> str:
        """Its address by the file protocol."""
        return f"file://{self.path}"

    def run(self, *words: str, stdin: bytes = b"", **variables: str) -> str:
        """Run git there, and answer what it says."""
        env = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.path.parent),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_AUTHOR_NAME": AUTHOR,
            "GIT_AUTHOR_EMAIL": "ada@example.com",
            "GIT_COMMITTER_NAME": "Committer",
            "GIT_COMMITTER_EMAIL": "committer@example.com",
            **variables,
        }
        if self.path.exists():
            env["GIT_DIR"] = str(self.path)
        done = subprocess.run(["git", *words], input=stdin, capture_output=True, check=True, env=env)
        return done.stdout.decode().strip()

    def commit(
        self,
        files: dict[str, bytes],
        message: str = "Change it",
        *,
        branch: str = "main",
        links: dict[str, str] | None = None,
        executables: tuple[str, ...] = (),
        submodules: tuple[str, ...] = (),
        forced: bool = False,
    ) -> str:
        """Push a commit that holds exactly this, and answer its name. `forced` begins the branch anew."""
        lines = [self._line("100755" if path in executables else "100644", path, body) for path, body in files.items()]
        lines += [self._line("120000", path, target.encode()) for path, target in (links or {}).items()]
        lines += [f"160000 {'1' * 40}\t{path}" for path in submodules]
        index = self.path.parent / f"index-{self.path.name}"
        index.unlink(missing_ok=True)
        self.run("update-index", "--index-info", stdin="\n".join(lines).encode() + b"\n", GIT_INDEX_FILE=str(index))
        tree = self.run("write-tree", "--missing-ok", GIT_INDEX_FILE=str(index))
        before = "" if forced else self.head(branch)
        made = self.run("commit-tree", tree, *(["-p", before] if before else []), stdin=message.encode())
        self.run("update-ref", f"refs/heads/{branch}", made)
        return made

    def head(self, branch: str = "main") -> str:
        """Answer the commit that the branch is at, or nothing."""
        return self.run("for-each-ref", "--format=%(objectname)", f"refs/heads/{branch}")

    def point(self, branch: str, commit: str) -> None:
        """Force the branch to this commit."""
        self.run("update-ref", f"refs/heads/{branch}", commit)

    def _line(self, mode: str, path: str, body: bytes) -> str:
        return f"{mode} {self.run('hash-object', '-w', '--stdin', stdin=body)}\t{path}"
