"""The parts of a push as the command line names them: which directory goes to which mount."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import click

from .exits import Misuse
from .tree import Tree, scan

DIRECTORY = click.Path(exists=True, file_okay=False, path_type=Path)

# The client has no YAML reader; dbt itself wants this key at the top level, as a plain word.
_PROJECT_NAME = re.compile(r"""^name[ \t]*:[ \t]*(["']?)([\w.-]+)\1[ \t]*(?:\#.*)?$""", re.MULTILINE)


def parse_bundles(context: click.Context, parameter: click.Parameter, values: Iterable[str]) -> list[tuple[str, Path]]:
    """Read the values of --bundle, MOUNT=DIR each. Raises click.BadParameter."""
    return [_bundle(value, context, parameter) for value in values]


def _bundle(value: str, context: click.Context, parameter: click.Parameter) -> tuple[str, Path]:
    mount, _, directory = value.partition("=")
    if not mount or not directory:
        raise click.BadParameter(f"{value!r} is not MOUNT=DIR.")
    return mount, Path(DIRECTORY.convert(directory, parameter, context))


def mounted(
    dags: Path | None, dbt: Path | None, dbt_mount: str | None, bundles: Iterable[tuple[str, Path]]
) -> dict[str, Path]:
    """Return the directories by their mounts. Raises Misuse when two want the same mount."""
    wanted = list(bundles)
    if dbt is not None:
        wanted.insert(0, (dbt_mount or f"dbt/{project_name(dbt)}", dbt))
    elif dbt_mount is not None:
        raise Misuse("--mount says where the project of --dbt goes. Give --dbt, or use --bundle MOUNT=DIR.")
    if dags is not None:
        wanted.insert(0, ("dags", dags))
    directories: dict[str, Path] = {}
    for mount, directory in wanted:
        if mount in directories:
            raise Misuse(f"Mount {mount} is given twice.")
        directories[mount] = directory
    return directories


def project_name(dbt: Path) -> str:
    """Return the name that dbt_project.yml gives, else the directory's."""
    try:
        found = _PROJECT_NAME.search((dbt / "dbt_project.yml").read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        found = None
    return found.group(2) if found else dbt.resolve().name


def read_tree(mount: str, directory: Path, *, force: bool) -> Tree:
    """Read what goes to a mount. Raises Misuse when nothing would be left there, unless forced."""
    tree = scan(directory, force=force)
    if not tree.files and not force:
        raise Misuse(
            f"{directory} holds nothing to deploy. This would remove every file of mount {mount}. "
            "Use --force if that is meant."
        )
    return tree
