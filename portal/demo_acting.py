"""What the demonstrations do from outside: commit a version as people do, deploy it with the client, remember a port."""

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path


def commit(project: Path, source: Path, message: str, *, whole: bool = True) -> None:
    """Put a version into a Git checkout of its own and commit it: the client reads commit and author from there.

    The version is the whole tree, or else the files that it changes.
    """
    project.mkdir(parents=True, exist_ok=True)
    if not (project / ".git").exists():
        _git(project, "init", "--quiet", "--initial-branch", "main")
    for old in project.iterdir() if whole else ():
        if old.name != ".git":
            shutil.rmtree(old) if old.is_dir() else old.unlink()
    shutil.copytree(source, project, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    _git(project, "add", "--all")
    _git(project, "commit", "--quiet", "--allow-empty", "--message", message)


def run_client(url: str, token: str, *words: str) -> None:
    """Run the client. Raises RuntimeError when it could not even ask; a deploy that failed is a part of the story."""
    environment = {**os.environ, "LASTGOOD_URL": url, "LASTGOOD_TOKEN": token}
    command = [sys.executable, "-m", "lastgood.main", *words]
    done = subprocess.run(
        command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode not in {0, 1, 3}:
        raise RuntimeError(f"lastgood {words[0]} ended with {done.returncode}: {done.stderr.strip()[-500:]}")


def write_private(path: Path, text: str) -> None:
    """Write a file that only this account reads, at once or not at all."""
    aside = path.with_name(f"{path.name}.new")
    with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
        out.write(text)
    aside.replace(path)


def remembered_port(folder: Path, first: int) -> int:
    """Answer a free port and remember it: the one of before if it still is, or the first choice, or any."""
    note = folder / "port"
    before = int(note.read_text()) if note.exists() else first
    for port in (before, 0):
        with socket.socket() as probe:
            # gRPC and HTTP servers may share a port silently: it has to be nobody's.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            chosen: int = probe.getsockname()[1]
            note.write_text(str(chosen))
            return chosen
    raise OSError("No port is free.")


def _git(folder: Path, *words: str) -> None:
    who = ["-c", "user.name=Dana Engineer", "-c", "user.email=dana@acme.example", "-c", "commit.gpgsign=false"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    subprocess.run(["git", *who, *words], cwd=folder, env=environment, check=True, stdin=subprocess.DEVNULL)
