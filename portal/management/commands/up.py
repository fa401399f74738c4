"""`manage.py up`: Lastgood on this machine, until Ctrl-C."""

import os
from contextlib import suppress
from functools import partial
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal import env, up
from portal.broker import BrokerUnusable
from portal.child import SAID
from portal.preflight import StartRefused
from portal.supervisor import ChildFailed


def _place() -> up.Place:
    return up.Place(
        data_dir=settings.DATA_DIR,
        host=env.text("HOST", "127.0.0.1"),
        port=env.integer("PORT", 8000, least=1),
        redis_url=settings.REDIS_URL,
        broker_socket=settings.BROKER_SOCKET,
        demo=env.boolean("DEMO", default=True),
        dagster=env.boolean("DAGSTER", default=False),
        airflow=env.boolean("AIRFLOW", default=False),
    )


def _say_aloud(text: str) -> None:
    """Say something to the person at the terminal, from a process under the supervisor."""
    for line in text.splitlines() or [""]:
        print(f"{SAID} {line}", flush=True)


def _become_dagster() -> None:
    from portal import demo  # here, so that the supervisor needs none of it

    argv, environment, folder = demo.dagster_command(settings.DATA_DIR)
    os.chdir(folder)
    os.execvpe(argv[0], argv, os.environ | environment)


def _make_demo() -> None:
    from portal import demo

    place = _place()
    demo.ensure_demo(url=place.url, dagster=place.dagster, airflow=place.airflow, say=_say_aloud)


def _become_airflow(process: str) -> None:
    from portal import demo_airflow

    demo_airflow.become(process.removeprefix("airflow-"), settings.DATA_DIR)


PARTS = {"dagster": _become_dagster, "demo": _make_demo} | {name: partial(_become_airflow, name) for name in up.AIRFLOW}


class Command(BaseCommand):
    """Reads the place from the environment, and runs it or one part of its start."""

    help = "Run Lastgood on this machine: PORT, HOST, DATA_DIR, DEMO, DAGSTER and AIRFLOW say where and with what."
    requires_system_checks = []  # the migrations run them, in a process of their own

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--part", choices=PARTS, help="Run this part of the start only.")
        parser.add_argument(
            "--stop-with-parent",
            action="store_true",
            help="Stop when the process that started this one is gone.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["part"] is not None:
            PARTS[options["part"]]()
            return
        try:
            up.run(_place(), say=self._say, stops_with_parent=options["stop_with_parent"])
        except (StartRefused, BrokerUnusable, ChildFailed) as failed:
            raise CommandError(str(failed)) from failed

    def _say(self, text: str) -> None:
        # The terminal may be gone, or the reader of a pipe: no reason to stop.
        with suppress(OSError):
            print(text, flush=True)
