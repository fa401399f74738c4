"""`lastgood diff`: two snapshots compared on this machine, without a portal."""

from __future__ import annotations

from collections.abc import Iterator

import click
from lastgood.definitions import differ
from lastgood.definitions.differ import Diff

from . import exits, show_changes, snapshots
from .show_changes import Row
from .terminal import output, print_json, warn

HELP = """Show how the assets of two snapshots differ.

BASE and BRANCH are files: snapshots, as `lastgood snapshot` writes them, or manifests
of dbt (target/manifest.json). One of them may be -, standard input. No portal is asked,
and nobody needs to be signed in.

+ is only in BRANCH, - is only in BASE, ~ is in both and changed: the words of Dagster
say in what, and a line for each thing from what to what.

\b
Examples:
  lastgood diff main.json branch.json
  lastgood snapshot -m my_project.definitions | lastgood diff main.json -
  lastgood diff main.json branch.json --ignore git_sha --exit-code

\b
Exit codes: 0 done, 1 they differ (with --exit-code), 2 usage.
"""


@click.command(help=HELP, short_help="Show how the assets of two snapshots differ.")
@click.argument("base", type=snapshots.FILE)
@click.argument("branch", type=snapshots.FILE)
@click.option("--ignore", "ignored", multiple=True, metavar="LABEL", help="Metadata that is not compared.")
@click.option("--exit-code", "tell", is_flag=True, help="Exit 1 when anything differs.")
@click.option("--json", "as_json", is_flag=True, help="Print the difference as JSON, one document.")
@click.pass_context
def diff(context: click.Context, base: str, branch: str, ignored: tuple[str, ...], tell: bool, as_json: bool) -> None:
    if base == branch == "-":
        raise click.UsageError("Only one of the two snapshots can be standard input.")
    old, new = snapshots.read(base), snapshots.read(branch)
    if old.source != new.source:
        warn("One of these is a dbt manifest and the other is not: they name their assets in different ways.")
    found = differ.diff(old.assets, new.assets, ignored=frozenset(ignored))
    if as_json:
        print_json(found.as_json())
    else:
        show_changes.print_rows(_rows(found, width=output().width))
    context.exit(exits.FAILED if tell and found else exits.DONE)


def _rows(found: Diff, *, width: int) -> Iterator[Row]:
    for key in sorted(found.added):
        yield show_changes.heading("added", key)
    for key in sorted(found.removed):
        yield show_changes.heading("removed", key)
    for key in sorted(found.changed):
        change = found.changed[key]
        yield show_changes.heading("changed", key, change.change_types)
        yield from show_changes.rows_of(change, width=width)
    if found:
        yield []
    counted = {"added": len(found.added), "removed": len(found.removed), "changed": len(found.changed)}
    said = [f"{count:,} {word}" for word, count in (*counted.items(), ("unchanged", found.unchanged))]
    yield [(", ".join(said), "bold" if found else "")]
