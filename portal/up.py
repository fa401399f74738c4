"""Lastgood on a single machine: broker, web, workers and beat under one supervisor. `make up` runs it."""

import dataclasses
import http.client
import os
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from portal.broker import make_broker
from portal.child import Child
from portal.preflight import nothing_left_behind, only_supervisor, refuse_taken_port
from portal.supervisor import ChildFailed, Supervisor

BASE_DIR = Path(__file__).resolve().parent.parent
AIRFLOW = ("airflow-api-server", "airflow-dag-processor", "airflow-scheduler")
LOOPBACK = {"127.0.0.1", "::1", "localhost"}


@dataclass(frozen=True)
class Place:
    """Where this Lastgood runs, and what comes along."""

    data_dir: Path
    host: str
    port: int
    redis_url: str
    broker_socket: Path
    demo: bool
    dagster: bool
    airflow: bool = False

    @property
    def url(self) -> str:
        """Where a person on this machine finds it."""
        return f"http://localhost:{self.port}"

    @property
    def bind(self) -> str:
        """What gunicorn listens on."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def environment(self) -> dict[str, str]:
        """Answer what every child process is told."""
        told = {
            "DJANGO_SETTINGS_MODULE": os.environ.get("DJANGO_SETTINGS_MODULE", "portal.settings"),
            "DATA_DIR": str(self.data_dir),
            "PORT": str(self.port),
            "PYTHONUNBUFFERED": "1",
        }
        if self.airflow:
            # The demonstration's Airflow writes changes down at once: its assets need not be waited for.
            told["LASTGOOD_READING_SETTLES_SECONDS"] = os.environ.get("LASTGOOD_READING_SETTLES_SECONDS", "10")
        return os.environ | told


def run(place: Place, *, say: Callable[[str], None], stops_with_parent: bool = False) -> None:
    """Run Lastgood until somebody asks it to stop. Raises StartRefused, BrokerUnusable and ChildFailed."""
    place.data_dir.mkdir(parents=True, exist_ok=True)
    with ExitStack() as held:
        held.enter_context(only_supervisor(place.data_dir))
        left_behind = held.enter_context(nothing_left_behind(place.data_dir, say))
        refuse_taken_port(place.host, place.port)
        say(f"Lastgood starts. Its data is in {place.data_dir}, its logs in {place.data_dir / 'logs'}.")
        environment = place.environment()
        broker = None if place.redis_url else make_broker(place.broker_socket)
        if broker is not None and broker.url != f"redis+socket://{place.broker_socket}":
            environment["REDIS_URL"] = broker.url  # the settings could not know that it has to be another
        supervisor = held.enter_context(
            Supervisor(
                log_dir=place.data_dir / "logs",
                env=environment,
                say=say,
                keeps_open=[left_behind],
                stops_with_parent=stops_with_parent,
            )
        )
        if broker is not None:
            supervisor.start(broker.child())
        start_lastgood(supervisor, place, say)
        supervisor.run_forever()
    say("Lastgood has stopped.")


def start_lastgood(supervisor: Supervisor, place: Place, say: Callable[[str], None]) -> None:
    """Prepare the database and the pages, start everything, and say where it is. Raises ChildFailed."""
    say("Preparing the database and the pages …")
    supervisor.run_to_end(manage("migrate", "--no-input"), manage("collectstatic", "--no-input", "-v0"))
    make_private(place.data_dir / "lastgood.sqlite3")
    # The pages first: everything at once would take two cores three times as long to show one.
    for child in (
        web(place),
        worker("rollbacks", processes=2),
        worker("deploys", processes=3),
        worker("observations", processes=3),
        worker("fetches", processes=1),
        beat(),
    ):
        supervisor.start(child)
    if place.demo:
        if place.dagster:
            supervisor.start(part("dagster"))
        for process in AIRFLOW if place.airflow else ():
            supervisor.start(part(process))
        show_demo(supervisor, say)
    if place.host not in LOOPBACK and "ALLOWED_HOSTS" not in os.environ:
        say("It answers to localhost only, until ALLOWED_HOSTS= names what others call this machine.")
    say(f"Lastgood is at {place.url} (Ctrl-C stops it).")


def make_private(database: Path) -> None:
    """Keep the database from other accounts of the host; its journal takes its mode over. Targets stay readable."""
    if database.exists():
        database.chmod(0o600)


def show_demo(supervisor: Supervisor, say: Callable[[str], None]) -> None:
    """Make the demonstration data. Lastgood runs on without it."""
    try:
        supervisor.run_to_end(part("demo"))
    except ChildFailed as failed:
        say(f"There is no demonstration data: {failed}")


def web(place: Place) -> Child:
    """Answer the web server, ready once it answers."""
    argv = [sys.executable, "-m", "gunicorn", "portal.wsgi", "--bind", place.bind]
    # Loaded once, then forked: half the time and memory. Its control socket would be shared by all of this account.
    argv += ["--preload", "--no-control-socket", "--graceful-timeout", "5"]
    argv += ["--worker-class", "gthread", "--workers", "2", "--threads", "8"]
    return Child("web", argv, cwd=BASE_DIR, ready=lambda: answers(place.host, place.port))


def worker(queue: str, *, processes: int) -> Child:
    """Answer a Celery worker for one queue: a rollback never waits behind deploys."""
    name = f"{queue}@%h-{os.getpid()}"  # two Lastgoods on one Redis keep their workers apart
    argv = [sys.executable, "-m", "celery", "-A", "portal", "worker", "-Q", queue, "-n", name]
    argv += ["-c", str(processes), "--without-gossip", "--without-mingle", "--without-heartbeat"]
    return Child(f"worker-{queue}", argv, cwd=BASE_DIR)


def beat() -> Child:
    """Answer the clock that takes up what was left lying."""
    argv = [sys.executable, "-m", "celery", "-A", "portal", "beat", "--pidfile="]
    return Child("beat", argv, cwd=BASE_DIR)


def manage(command: str, *arguments: str) -> Child:
    """Answer a management command, in a process of its own."""
    return Child(command, [sys.executable, "manage.py", command, *arguments], cwd=BASE_DIR)


def part(name: str) -> Child:
    """Answer what needs `portal.demo`, in a process of its own: `manage.py up --part` runs it."""
    return dataclasses.replace(manage("up", "--part", name), name=name, shows=None)


def answers(host: str, port: int) -> bool:
    """Say whether the portal answers. One that does not know the name we use has answered, too."""
    address = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    line = http.client.HTTPConnection(address, port, timeout=5)
    try:
        line.request("GET", "/livez", headers={"Host": f"localhost:{port}"})
        return line.getresponse().status < 500
    except (OSError, http.client.HTTPException):
        return False
    finally:
        line.close()
