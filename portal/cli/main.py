"""The command `lastgood`: a client of the portal's HTTP API."""

from __future__ import annotations

import click

from .account import login, logout
from .acting import cancel, hold, resume, retry, rollback
from .api import version
from .assets import assets, send_assets
from .comparing import compare
from .deploy import deploy
from .diffing import diff
from .looking import history, loads, logs, places, status
from .planning import plan
from .showing import show_deploy
from .snapshot import snapshot
from .terminal import survive_any_encoding

HELP = """Deploy to Dagster and Airflow, see what each deploy changed, and roll back.

A PLACE is ORG/DEPLOYMENT[/LOCATION]; a deployment's only code location need not be
named. Sign in with `lastgood login`, or set LASTGOOD_URL and LASTGOOD_TOKEN.

\b
Examples:
  lastgood deploy acme/prod --dags dags --wait
  lastgood history acme/prod
  lastgood rollback acme/prod --to last-good --description "Orders are empty" --wait
  lastgood diff main.json branch.json

\b
Exit codes:
  0 done   1 failed   2 usage   3 stored but held   4 refused   5 not reachable
"""


class _InOrder(click.Group):
    """Lists its commands in the order in which people come to need them."""

    def list_commands(self, context: click.Context) -> list[str]:
        return list(self.commands)


@click.group(
    cls=_InOrder, help=HELP, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(version(), prog_name="lastgood", message="%(prog)s %(version)s")
def cli() -> None: ...


for _command in (
    login, logout, places, status, deploy, history, loads, show_deploy, logs, plan, rollback, hold, resume, cancel, retry,
    assets, compare, diff, snapshot, send_assets,
):  # fmt: skip
    cli.add_command(_command)


def main() -> None:
    """Run the command line; ends the process with the exit code."""
    survive_any_encoding()
    cli(prog_name="lastgood")


if __name__ == "__main__":
    main()
