"""The Dagster driver against a real webserver, with code behind a symlink as a directory target has it."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deployments.platforms.base import LocationReport, PlatformRefused, PlatformUnreachable
from deployments.platforms.dagster import DagsterPlatform
from portal.dagster_env import ensure_dagster_env
from tests.real.dagster_project import Project
from tests.real.dagster_server import CodeServer, DagsterServer, free_port

pytestmark = [pytest.mark.dagster, pytest.mark.xdist_group("dagster")]

TOOLS = Path(__file__).resolve().parents[2] / ".tools"
PATIENCE = 60.0  # for a reload beside other work


@pytest.fixture(scope="module")
def bin_dir() -> Path:
    return ensure_dagster_env(TOOLS, say=print)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return Project(tmp_path_factory.mktemp("project"))


@pytest.fixture(scope="module")
def api_grpc(bin_dir: Path, project: Project, tmp_path_factory: pytest.TempPathFactory) -> Iterator[CodeServer]:
    """Serve what `current` was at the start; Dagster reloads such a server by doing nothing."""
    where = ["-f", f"{project.current}/defs.py", "-d", str(project.current)]
    home = tmp_path_factory.mktemp("api-grpc")
    with CodeServer("api grpc", *where, bin_dir=bin_dir, home=home, cwd=project.root) as server:
        yield server


@pytest.fixture(scope="module")
def started_inside(bin_dir: Path, project: Project, tmp_path_factory: pytest.TempPathFactory) -> Iterator[CodeServer]:
    """Serve a relative path without -d: the working directory is the release that `current` was then."""
    home = tmp_path_factory.mktemp("code-server")
    server = CodeServer("code-server start", "-f", "defs.py", bin_dir=bin_dir, home=home, cwd=project.current)
    with server:
        yield server


@pytest.fixture(scope="module")
def webserver(
    bin_dir: Path,
    project: Project,
    api_grpc: CodeServer,
    started_inside: CodeServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[DagsterServer]:
    workspace = project.workspace(
        "workspace",
        project.python_file("by_file", project.current),
        project.grpc_server("api_grpc", api_grpc.port),
        project.grpc_server("started_inside", started_inside.port),
    )
    home = tmp_path_factory.mktemp("webserver")
    with DagsterServer(workspace, bin_dir=bin_dir, home=home) as server:
        yield server


@pytest.fixture(scope="module")
def dagster(webserver: DagsterServer) -> Iterator[DagsterPlatform]:
    with DagsterPlatform(webserver.url, timeout=PATIENCE) as platform:
        yield platform


@pytest.fixture(scope="module")
def read_only(
    bin_dir: Path, project: Project, api_grpc: CodeServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[DagsterPlatform]:
    """Another webserver, started later: same code, elsewhere; and a server that is not there."""
    workspace = project.workspace(
        "read-only",
        project.python_file("elsewhere", project.root / "releases" / "v1-again"),
        project.grpc_server("api_grpc", api_grpc.port),
        project.grpc_server("gone", free_port()),
    )
    home = tmp_path_factory.mktemp("read-only")
    roots = [f"{project.root}/current", f"{project.root}/releases/*"]
    with (
        DagsterServer(workspace, "--read-only", bin_dir=bin_dir, home=home) as server,
        DagsterPlatform(server.url, timeout=PATIENCE, roots=roots) as platform,
    ):
        yield platform


@pytest.fixture(scope="module")
def v1(dagster: DagsterPlatform) -> LocationReport:
    """What `by_file` serves before anything moves: the first release."""
    return loaded(dagster, "by_file")


@pytest.fixture
def put(project: Project) -> Iterator[Callable[[str], None]]:
    yield project.put
    project.put("v1")


def loaded(platform: DagsterPlatform, location: str) -> LocationReport:
    """Answer the location's report once it has loaded well."""
    give_up_at = time.monotonic() + PATIENCE
    while True:
        report = platform.report(location)
        assert report is not None
        if report.definitions_digest is not None:
            return report
        assert time.monotonic() < give_up_at, report.error
        time.sleep(0.5)


def test_reads_its_version(dagster: DagsterPlatform) -> None:
    assert dagster.version().split(".")[0] == "1"


def test_reads_what_a_location_serves(v1: LocationReport) -> None:
    orders = next(asset for asset in v1.raw["assets"] if asset["key"] == ["db", "orders"])

    assert v1.error is None
    assert v1.asset_count == 2  # the stub of "outside" is nobody's asset
    assert v1.metadata["working_directory"].endswith("/current")
    assert v1.metadata["library/dagster"] == v1.raw["dagster_version"]
    assert orders["code_version"] == "1"
    assert orders["owners"] == ["ann@example.com", "team:data"]
    assert orders["tags"] | {"tier": "gold", "area": "sales"} == orders["tags"]
    assert orders["kinds"] == ["duckdb", "python"]
    assert orders["partitions_def"]["type"] == "TIME_WINDOW"
    assert orders["metadata"]["ratio"] == {"type": "Float", "value": "NaN"}
    assert orders["metadata"]["shape"]["value"] == {"a": None, "b": [1, "Infinity"]}
    assert orders["metadata"]["file"]["value"] == "{release}/defs.py"
    assert "dagster/code_references" not in orders["metadata"]
    assert [job["name"] for job in v1.raw["jobs"]] == ["nightly"]
    assert [schedule["cron"] for schedule in v1.raw["schedules"]] == ["0 2 * * *"]
    assert "watcher" in [sensor["name"] for sensor in v1.raw["sensors"]]


def test_names_parents_and_stubs(v1: LocationReport) -> None:
    by_key = {"/".join(asset["key"]): asset for asset in v1.raw["assets"]}

    assert [dep["key"] for dep in by_key["report"]["deps"]] == [["db", "orders"], ["outside"]]
    assert [key for key, asset in by_key.items() if asset["is_stub"]] == ["outside"]


def test_status_names_the_code_server(dagster: DagsterPlatform, v1: LocationReport) -> None:
    status = dagster.status("by_file")

    assert status is not None
    assert (status.server_id, status.version_key, status.loading) == (v1.server_id, v1.version_key, False)


def test_the_statuses_are_the_status_of_each_location(dagster: DagsterPlatform, v1: LocationReport) -> None:
    statuses = dagster.statuses()

    assert set(statuses) == {"by_file", "api_grpc", "started_inside"}
    assert statuses["by_file"].server_id == v1.server_id
    assert statuses["by_file"] == dagster.status("by_file")
    assert statuses["api_grpc"] == dagster.status("api_grpc")


def test_says_what_there_is_and_what_it_may(dagster: DagsterPlatform, read_only: DagsterPlatform) -> None:
    connection, watching = dagster.connection(), read_only.connection()

    assert (connection.version, connection.may_reload) == (dagster.version(), True)
    assert set(connection.locations) == {"by_file", "api_grpc", "started_inside"}
    assert connection.missing == ()
    assert watching.may_reload is False
    # One that failed to load is a location too.
    assert set(watching.locations) == {"elsewhere", "api_grpc", "gone"}


def test_sees_a_swap_only_after_a_reload(
    dagster: DagsterPlatform, put: Callable[[str], None], v1: LocationReport
) -> None:
    put("v2")
    before = loaded(dagster, "by_file")
    assert dagster.reload("by_file") is True
    swapped = loaded(dagster, "by_file")
    assert dagster.reload("by_file") is True
    same_again = loaded(dagster, "by_file")

    assert before == v1
    assert swapped.definitions_digest != v1.definitions_digest
    assert swapped.server_id != v1.server_id
    assert swapped.asset_count == v1.asset_count + 1
    assert same_again.definitions_digest == swapped.definitions_digest
    assert same_again.server_id != swapped.server_id


def test_a_broken_release_is_an_error_and_not_an_empty_set(
    dagster: DagsterPlatform, project: Project, put: Callable[[str], None], v1: LocationReport
) -> None:
    put("v3")
    assert dagster.reload("by_file") is True
    report, status = dagster.report("by_file"), dagster.status("by_file")
    put("v1")
    assert dagster.reload("by_file") is True
    healed = loaded(dagster, "by_file")

    assert report is not None
    assert report.error is not None
    assert (report.definitions_digest, report.server_id, report.raw) == (None, None, {})
    assert report.error.class_name == "DagsterImportError"
    assert not report.error.transient
    assert "a_module_that_is_not_there" in report.error.chain[-1]["message"]
    assert report.error.chain[-1]["class_name"] == "ModuleNotFoundError"
    assert "defs.py" in report.error.chain[-1]["stack"]
    frame = f"{project.current}/defs.py:1 in <module>: import a_module_that_is_not_there"
    assert [link["frame"] for link in report.error.chain][-1] == frame
    assert report.error.chain[0]["frame"] == ""
    assert status is not None
    assert status.server_id is None
    assert healed.definitions_digest == v1.definitions_digest


def test_api_grpc_answers_a_reload_and_keeps_its_server_and_code(
    dagster: DagsterPlatform, put: Callable[[str], None]
) -> None:
    before = loaded(dagster, "api_grpc")
    put("v2")
    answered = dagster.reload("api_grpc")
    after = loaded(dagster, "api_grpc")

    assert answered is True
    assert after.server_id == before.server_id
    assert after.definitions_digest == before.definitions_digest


def test_a_code_server_started_inside_a_release_keeps_the_old_code(
    dagster: DagsterPlatform, put: Callable[[str], None]
) -> None:
    before = loaded(dagster, "started_inside")
    put("v2")
    answered = dagster.reload("started_inside")
    after = loaded(dagster, "started_inside")

    assert answered is True
    assert after.server_id != before.server_id
    assert after.definitions_digest == before.definitions_digest


def test_a_short_patience_leaves_the_reload_going_on(
    webserver: DagsterServer, dagster: DagsterPlatform, v1: LocationReport
) -> None:
    before = loaded(dagster, "by_file")
    with DagsterPlatform(webserver.url, timeout=0.5) as hasty:
        answered = hasty.reload("by_file")
    give_up_at = time.monotonic() + PATIENCE
    while (status := dagster.status("by_file")) and status.server_id == before.server_id:
        assert time.monotonic() < give_up_at
        time.sleep(0.2)

    assert answered is False
    assert loaded(dagster, "by_file").definitions_digest == v1.definitions_digest


def test_an_unknown_location_is_nothing(dagster: DagsterPlatform) -> None:
    assert dagster.status("nowhere") is None
    assert dagster.report("nowhere") is None
    with pytest.raises(PlatformRefused, match="no code location nowhere") as refused:
        dagster.reload("nowhere")
    assert refused.value.code == "location_unknown"


def test_a_webserver_that_is_read_only_refuses_a_reload(read_only: DagsterPlatform) -> None:
    with pytest.raises(PlatformRefused, match="--read-only") as refused:
        read_only.reload("api_grpc")

    assert refused.value.code == "not_allowed"


def test_a_webserver_that_is_read_only_refuses_to_reload_everything(read_only: DagsterPlatform) -> None:
    with pytest.raises(PlatformRefused, match="its locations: it runs with --read-only") as refused:
        read_only.reload_all()

    assert refused.value.code == "not_allowed"


def test_a_location_is_told_without_where_its_release_lies(read_only: DagsterPlatform, project: Project) -> None:
    report = loaded(read_only, "elsewhere")

    assert report.metadata["python_file"] == f"{project.root}/releases/v1-again/defs.py"
    assert report.placeless["python_file"] == "{release}/defs.py"
    assert report.placeless["working_directory"] == "{release}"
    assert report.placeless["library/dagster"] == report.metadata["library/dagster"]


@pytest.mark.parametrize("location", ["api_grpc", "elsewhere"])
def test_the_same_code_has_the_same_digest_in_another_webserver_and_place(
    read_only: DagsterPlatform, v1: LocationReport, location: str
) -> None:
    assert loaded(read_only, location).definitions_digest == v1.definitions_digest


def test_a_code_server_that_is_away_is_a_transient_error(read_only: DagsterPlatform) -> None:
    report = read_only.report("gone")

    assert report is not None
    assert report.error is not None
    assert report.error.transient
    assert report.definitions_digest is None


def test_reloading_everything_picks_up_a_new_location(
    bin_dir: Path, project: Project, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """One webserver that the others do not share: its workspace.yaml changes."""
    first = project.python_file("first", project.root / "releases" / "v1-again")
    second = project.python_file("second", project.root / "releases" / "v2")
    workspace = project.workspace("growing", first)
    home = tmp_path_factory.mktemp("growing")
    with (
        DagsterServer(workspace, bin_dir=bin_dir, home=home) as server,
        DagsterPlatform(server.url, timeout=PATIENCE) as platform,
    ):
        before = loaded(platform, "first")
        project.workspace("growing", first, second)
        platform.reload("first")
        unread = platform.connection().locations
        answered = platform.reload_all()
        statuses = platform.statuses()
        after = loaded(platform, "first")
        workspace.write_text("load_from: [{nonsense: 3}]\n")
        with pytest.raises(PlatformRefused, match="nonsense") as refused:
            platform.reload_all()

    assert unread == ("first",)
    assert answered is True
    assert set(statuses) == {"first", "second"}
    assert all(status.server_id for status in statuses.values())
    assert after.server_id != before.server_id
    assert after.definitions_digest == before.definitions_digest
    assert refused.value.code == "reload_failed"


def test_a_webserver_that_is_away_is_unreachable_at_once() -> None:
    started_at = time.monotonic()
    with (
        DagsterPlatform(f"http://127.0.0.1:{free_port()}") as platform,
        pytest.raises(PlatformUnreachable, match="cannot be reached") as unreachable,
    ):
        platform.version()

    assert unreachable.value.code == "platform_unreachable"
    assert time.monotonic() - started_at < 3
