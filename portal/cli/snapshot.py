"""`lastgood snapshot`: write down what a Dagster project defines."""

from __future__ import annotations

import json
import os
import sys
import sysconfig
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

import click
from lastgood.definitions import reading
from lastgood.definitions.problems import SnapshotError

from . import dagster_snapshot
from .dagster_snapshot import Project
from .exits import Stop
from .terminal import notice, print_json

HELP = """Write what a Dagster project defines, as a snapshot of its assets.

Run it in the environment of the project, the one that has its Dagster: the project is
imported, as `dagster code-server start` would; nothing is run, and no portal is asked.
Set the environment variables that the project needs when it is imported.

\b
Examples:
  lastgood snapshot -m my_project.definitions -o assets.json
  lastgood snapshot -f dags/definitions.py -d dags > branch.json
  lastgood deploy acme/prod --dags dags --assets assets.json

\b
Exit codes: 0 done, 1 the project does not load, 2 usage.
"""

_OURS = str(Path(__file__).parent)
_STANDARD = sysconfig.get_path("stdlib")
_INSTALLED = ("site-packages", "dist-packages")
_LOADING = ("dagster", "dagster_shared", "lastgood")


@click.command(help=HELP, short_help="Write what a Dagster project defines to a file.")
@click.option("-m", "--module-name", "module", metavar="MODULE", help="The module of the definitions.")
@click.option(
    "-f",
    "--python-file",
    "file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The file of the definitions.",
)
@click.option(
    "-d",
    "--working-directory",
    "directory",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=Path(),
    help="Where imports begin; here if not given. Paths below it are written relative to it.",
)
@click.option("-a", "--attribute", metavar="NAME", help="Which definitions to take, if there are several.")
@click.option(
    "-o",
    "--output",
    "target",
    type=click.Path(dir_okay=False, resolve_path=True, path_type=Path),
    help="The file to write; stdout if not given.",
)
@click.option("--json", "as_json", is_flag=True, help="Say in JSON, too, what was written with -o.")
def snapshot(
    module: str | None, file: Path | None, directory: Path, attribute: str | None, target: Path | None, as_json: bool
) -> None:
    if (module is None) == (file is None):
        raise click.UsageError("Say where the definitions are: either -m MODULE or -f FILE.")
    project = Project(module, str(file.absolute()) if file else None, os.path.abspath(directory), attribute)
    with _stdout_for_us_alone():
        found = _read(project)
    raw = _encoded(found)
    if target is None:
        click.echo(raw, nl=False)
    else:
        _write(raw, target)
        _say(target, len(found["assets"]), as_json=as_json)


@contextmanager
def _stdout_for_us_alone() -> Iterator[None]:
    """Let all that is printed meanwhile go to stderr, also by other processes: dbt is often run by an import."""
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)


def _read(project: Project) -> dict[str, Any]:
    """Answer the snapshot. Raises Stop for all that goes wrong in the project."""
    try:
        repository = dagster_snapshot.load(project)
    except click.ClickException:
        raise
    # A script that was not written to be imported may well end the process.
    except (Exception, SystemExit) as problem:
        raise Stop(f"{project} does not load.\n{_told(problem)}") from problem
    try:
        return dagster_snapshot.document(repository, roots=[project.directory, os.path.realpath(project.directory)])
    except Exception as problem:
        raise Stop(
            f"What Dagster {dagster_snapshot.version()} made of {project} cannot be read.\n{_told(problem)}"
        ) from problem


def _told(problem: BaseException) -> str:
    """Say what happened, and on which line of the person's own code."""
    # Dagster wraps what was raised below it into its own, with the whole story in one line.
    while type(problem).__module__.startswith("dagster") and problem.__cause__:
        problem = problem.__cause__
    frames = traceback.extract_tb(problem.__traceback__)
    own = [frame for frame in frames if _is_own(frame.filename)]
    # A project that is installed has its own code among that of others.
    installed = [frame for frame in frames if _package(frame.filename) not in {*_LOADING, None}]
    where = traceback.format_list((own or installed)[-1:])
    return "".join([*traceback.format_exception_only(problem), *where]).rstrip()


def _is_own(file: str) -> bool:
    return _package(file) is None and not file.startswith((_STANDARD, _OURS, "<"))


def _package(file: str) -> str | None:
    """Answer the installed package that the file belongs to."""
    parts = Path(file).parts
    return next((parts[parts.index(name) + 1] for name in _INSTALLED if name in parts), None)


def _encoded(found: dict[str, Any]) -> bytes:
    """Answer the snapshot's bytes. Raises Stop when no portal would take them."""
    raw = (json.dumps(found, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()
    try:
        reading.read(raw)
    except SnapshotError as problem:
        raise Stop(f"This project cannot be written as a snapshot: {problem.detail}") from problem
    return raw


def _write(raw: bytes, target: Path) -> None:
    try:
        target.write_bytes(raw)
    except OSError as problem:
        raise Stop(f"{target} cannot be written: {problem.strerror}.") from problem


def _say(target: Path, count: int, *, as_json: bool) -> None:
    if as_json:
        print_json({"assets": count, "output": str(target)})
    else:
        notice(f"Wrote {count} asset{'' if count == 1 else 's'} to {target}.")
