"""`lastgood deploy`: read the directories, send what is new, ask for the deploy."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from . import parts, settings, snapshots
from .api import Document
from .exits import Misuse
from .git import check_committed, describe
from .outcome import conclude, waiting_options
from .place import Place, place_argument, with_location
from .session import Session, with_session
from .terminal import warn
from .tree import Tree
from .uploads import upload

HELP = """Deploy an image, directories, or both to PLACE.

A part that is not named stays as it is. PLACE is ORG/DEPLOYMENT[/LOCATION].

\b
Examples:
  lastgood deploy acme/prod --dags dags --description "New orders DAG" --wait
  lastgood deploy acme/prod/etl --image etl:1.4
  lastgood deploy acme/prod --dbt warehouse        (goes to dbt/<project name>)
  lastgood deploy acme/prod --bundle plugins=src/plugins --remove include
  lastgood deploy acme/prod --dags dags --assets assets.json
  lastgood deploy acme/prod --env-file .env --plain REGION --setting executor=CeleryExecutor

What is sent: regular files, sorted, with their mode. Never sent: .git, .hg, .svn,
__pycache__, *.pyc, .venv, venv (a virtual environment), .DS_Store, and what the
directory's .lastgoodignore names. That file has one pattern a line: * ? [] within a
name, ** for any directories, a slash anywhere but at the end binds the pattern to the
top, a slash at the end means directories only, # begins a comment; ! is not known.

Links are sent as what they lead to, if that lies in the same directory. Commit,
branch, author and message are read from git and from the variables of CI.

Settings are a part like the others: variables from --env-file are stored encrypted and
never shown again; a setting that is not named stays as it is.

With --assets, the deploy says what assets it defines, and its history shows what it
changed in them. FILE is a snapshot, as `lastgood snapshot` writes it, or dbt's
target/manifest.json; - is standard input.

\b
Exit codes: 0 done, 1 failed, 2 usage, 3 stored but held, 4 refused, 5 not reachable.
"""


@click.command(help=HELP, short_help="Deploy an image, directories, or both.")
@place_argument
@click.option("--image", metavar="REF", help="The image to run.")
@click.option("--dags", type=parts.DIRECTORY, help="The directory for mount dags.")
@click.option("--dbt", type=parts.DIRECTORY, help="A dbt project, for mount dbt/<project name>.")
@click.option("--mount", "dbt_mount", metavar="PATH", help="Another mount for the project of --dbt.")
@click.option(
    "--bundle",
    "bundles",
    multiple=True,
    metavar="MOUNT=DIR",
    callback=parts.parse_bundles,
    help="A directory for any mount.",
)
@click.option("--remove", "removed", multiple=True, metavar="MOUNT", help="A mount to take away.")
@click.option("--assets", type=snapshots.FILE, help="What assets it defines: a snapshot, or a dbt manifest.")
@click.option("--description", metavar="TEXT", help="What and why; the commit's subject if not given.")
@click.option("--runtime-version", metavar="V", help="The version of the runtime.")
@click.option("--env-file", type=settings.FILE, help="Variables, NAME=VALUE a line: each is a secret.")
@click.option("--plain", multiple=True, metavar="NAME", help="A variable of --env-file that is no secret.")
@click.option(
    "--setting",
    "settings_",
    multiple=True,
    metavar="K=V",
    help="executor=…, dag_deploy_enabled=false, env.NAME=…, owner=…",
)
@click.option("--unset", multiple=True, metavar="K", help="A setting to take away: env.NAME, executor, owner.")
@click.option("--held-ok", is_flag=True, help="Exit 0 when the deploy is stored but held.")
@click.option(
    "--source-position",
    metavar="N",
    type=click.IntRange(min=0),
    help="Where this is in the order of the source, as a number; an older push never replaces a newer one.",
)
@click.option(
    "--expected-live",
    metavar="N",
    type=click.IntRange(min=0),
    help="Refuse if another deploy than this is live.",
)
@click.option(
    "--force",
    is_flag=True,
    help="Deploy what is not committed; leave out links that lead outside; allow an empty directory.",
)
@waiting_options
@with_session
def deploy(
    session: Session,
    /,
    place: Place,
    image: str | None,
    dags: Path | None,
    dbt: Path | None,
    dbt_mount: str | None,
    bundles: list[tuple[str, Path]],
    removed: tuple[str, ...],
    assets: str | None,
    runtime_version: str | None,
    env_file: Path | None,
    plain: tuple[str, ...],
    settings_: tuple[str, ...],
    unset: tuple[str, ...],
    held_ok: bool,
    force: bool,
    wait: bool,
    wait_time: float,
    **said: Any,
) -> None:
    directories = parts.mounted(dags, dbt, dbt_mount, bundles)
    changed = settings.collect(env_file, plain, settings_, unset)
    _check_something_to_put(image, directories, removed, runtime_version or changed)
    # Settings alone come from nobody's commit.
    git = _origin(directories, force=force) if directories or image else {}
    body = {"image": image, "runtime_version": runtime_version, "settings": changed, "git": git or None, **said}
    body["assets"] = snapshots.to_send(assets) if assets is not None else None
    trees = {mount: _read(mount, path, force=force) for mount, path in directories.items()}
    place = with_location(session.portal, place)

    body["bundles"] = _upload(session, place, trees, removed)
    answer = session.portal.write(place.path("deploys"), _said(body))
    conclude(session, place, answer.document, patience=wait_time if wait else None, held_ok=held_ok)


def _check_something_to_put(
    image: str | None, directories: dict[str, Path], removed: Iterable[str], other: object
) -> None:
    both = directories.keys() & set(removed)
    if both:
        raise Misuse(f"Mount {min(both)} is both given and removed.")
    if not (image or directories or removed or other):
        raise click.UsageError("There is nothing to deploy. Give --image, --dags, --dbt, --bundle or --setting.")


def _origin(directories: dict[str, Path], *, force: bool) -> dict[str, str]:
    """Return what is known of the commit, and whether what goes out differs from it. Raises Uncommitted."""
    committed = check_committed(directories.values(), force=force)
    # An image comes from where CI works, which is the checkout.
    known = describe(next(iter(directories.values()), Path.cwd()), os.environ).known()
    return known if committed else {**known, "dirty": "true"}


def _read(mount: str, directory: Path, *, force: bool) -> Tree:
    tree = parts.read_tree(mount, directory, force=force)
    for warning in tree.warnings:
        warn(warning)
    return tree


def _upload(
    session: Session, place: Place, trees: dict[str, Tree], removed: Iterable[str]
) -> dict[str, str | None] | None:
    bundles: dict[str, str | None] = dict.fromkeys(removed)
    for mount, tree in trees.items():
        bundles[mount] = upload(session.portal, place.organization, mount, tree)
    return bundles or None


def _said(body: Document) -> Document:
    """Leave out what nobody said: the portal keeps such parts as they are."""
    description = body["description"]
    if description is None:
        description = (body["git"] or {}).get("message", "")
    return {name: value for name, value in {**body, "description": description}.items() if value is not None}
