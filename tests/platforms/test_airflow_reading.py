"""What the Airflow driver makes of lists: keys, reports, errors, runs."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from deployments.platforms import airflow_bundle, airflow_reading, airflow_runs
from deployments.platforms.airflow import AirflowPlatform
from deployments.platforms.airflow_errors import load_error
from deployments.platforms.base import LocationReport, PlatformUnreachable
from tests.platforms.airflow_api import BUNDLE, NOON, PASSWORD, USER, Airflow, broken, dag, later
from tests.platforms.http_server import HttpServer, Reply, Request

SHA256_OF_TEXT = "982d9e3eb996f559e633f4d194def3761d909f5a3b647d1a851fead67c32c9d1"
ELSEWHERE = dag("elsewhere", bundle_name="another")


@pytest.fixture
def airflow() -> Airflow:
    airflow = Airflow()
    airflow.dags = [dag("orders"), dag("report")]
    airflow.sources = {"orders": "text", "report": "text"}
    return airflow


@pytest.fixture
def server(airflow: Airflow) -> Iterator[HttpServer]:
    with HttpServer(airflow).running() as running:
        yield running


@pytest.fixture
def platform(server: HttpServer) -> Iterator[AirflowPlatform]:
    with AirflowPlatform(server.url, user=USER, password=PASSWORD) as platform:
        yield platform


def key(platform: AirflowPlatform) -> str:
    return platform.statuses()["default"].version_key


def loaded(platform: AirflowPlatform) -> LocationReport:
    report = platform.report("default")
    assert report is not None
    assert report.error is None
    return report


MOVES: dict[str, Callable[[Airflow], object]] = {
    "a dag": lambda airflow: airflow.dags.append(dag("refunds")),
    "a dag that left": lambda airflow: airflow.dags.pop(),
    "its bundle version": lambda airflow: airflow.dags[0].update(bundle_version="2-0123456789ab"),
    "its tags": lambda airflow: airflow.dags[0].update(tags=[{"name": "gold"}]),
    "its owners": lambda airflow: airflow.dags[0].update(owners=["ann"]),
    "its schedule": lambda airflow: airflow.dags[0].update(timetable_summary="@daily"),
    "an import error": lambda airflow: airflow.errors.append(broken("new.py")),
    "a dag version": lambda airflow: airflow.versions.append({"id": "01a2"}),
}


@pytest.mark.parametrize("move", MOVES.values(), ids=MOVES)
def test_the_key_moves_with(airflow: Airflow, platform: AirflowPlatform, move: Callable[[Airflow], object]) -> None:
    before = key(platform)
    move(airflow)

    assert key(platform) != before


RESTS: dict[str, Callable[[Airflow], object]] = {
    "the time of a parse": lambda airflow: airflow.dags[0].update(last_parsed_time=later(30).isoformat()),
    "a pause": lambda airflow: airflow.dags[0].update(is_paused=False),
    "the next run": lambda airflow: airflow.dags[0].update(next_dagrun_run_after=NOON.isoformat()),
    "the order": lambda airflow: airflow.dags.reverse(),
    "another bundle": lambda airflow: airflow.dags.append(ELSEWHERE),
    "an error of another bundle": lambda airflow: airflow.errors.append(broken("new.py", bundle_name="another")),
}


@pytest.mark.parametrize("filters", [True, False], ids=["filtered there", "filtered here"])
@pytest.mark.parametrize("rest", RESTS.values(), ids=RESTS)
def test_the_key_rests_with(
    airflow: Airflow, platform: AirflowPlatform, rest: Callable[[Airflow], object], filters: bool
) -> None:
    airflow.filters = filters
    before = key(platform)
    rest(airflow)

    assert key(platform) == before


def test_the_key_rests_when_a_trace_shows_another_address(airflow: Airflow, platform: AirflowPlatform) -> None:
    airflow.errors = [broken("new.py", stack_trace="TypeError: <Thing object at 0x7fd3913b7620>")]
    before = key(platform)
    airflow.errors = [broken("new.py", stack_trace="TypeError: <Thing object at 0x7fd3913c8e50>")]

    assert key(platform) == before


def test_all_pages_are_read_whatever_their_size(airflow: Airflow, platform: AirflowPlatform) -> None:
    airflow.page_limit = 2
    airflow.dags = [dag(f"dag_{number}") for number in range(7)]
    airflow.sources = {row["dag_id"]: "text" for row in airflow.dags}

    assert [form["dag_id"] for form in loaded(platform).raw["dags"]] == [f"dag_{number}" for number in range(7)]


def test_a_list_without_end_is_read_to_a_bound(
    airflow: Airflow, platform: AirflowPlatform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(airflow_bundle, "MOST_DAGS", 5)
    airflow.dags = [dag(f"dag_{number}") for number in range(7)]
    airflow.sources = {row["dag_id"]: "text" for row in airflow.dags}

    report = loaded(platform)

    assert len(report.raw["dags"]) == 5
    assert report.missing == ("The list of DAGs is long: only the first 5 of this bundle were read.",)


def test_tasks_and_sources_are_read_to_a_bound(
    airflow: Airflow, server: HttpServer, platform: AirflowPlatform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(airflow_reading, "MOST_READ", 1)

    report = loaded(platform)

    assert [form["sha256"] for form in report.raw["dags"]] == [SHA256_OF_TEXT, None]
    assert [form["tasks"] for form in report.raw["dags"]] == [[], None]
    assert "Tasks and sources were read of the first 1 DAGs only" in report.missing[0]


def test_each_file_is_read_once(airflow: Airflow, platform: AirflowPlatform) -> None:
    airflow.dags = [dag("one", relative_fileloc="both.py"), dag("two", relative_fileloc="both.py")]
    airflow.sources = {"one": "text", "two": "text"}

    report = loaded(platform)

    assert [form["sha256"] for form in report.raw["dags"]] == [SHA256_OF_TEXT] * 2
    assert airflow.asked_sources == ["one"]


def test_a_source_that_is_hidden_from_us_is_not_known(airflow: Airflow, platform: AirflowPlatform) -> None:
    airflow.sources["orders"] = "REDACTED - you do not have read permission on all Dags in the file"

    assert loaded(platform).raw["dags"][0]["sha256"] is None


def test_a_dag_that_left_its_file_is_left_out(airflow: Airflow, platform: AirflowPlatform) -> None:
    airflow.dags = [
        dag("stays", relative_fileloc="both.py", at=later(30)),
        dag("leaves", relative_fileloc="both.py", at=NOON),
        dag("elsewhere", at=NOON),
    ]
    airflow.sources = {row["dag_id"]: "text" for row in airflow.dags}

    assert [form["dag_id"] for form in loaded(platform).raw["dags"]] == ["elsewhere", "stays"]


def test_release_and_times_are_not_in_the_digest(airflow: Airflow, platform: AirflowPlatform) -> None:
    airflow.dags = [dag("orders", bundle_version="1-0123456789ab")]
    before = loaded(platform)
    airflow.dags = [dag("orders", bundle_version="2-ba9876543210", at=later(60), is_paused=False)]
    after = loaded(platform)

    assert after.definitions_digest == before.definitions_digest
    assert after.version_key != before.version_key
    assert after.metadata["bundle_version"] == "2-ba9876543210"
    assert after.placeless == before.placeless == {"dag_bundle": BUNDLE, "airflow_version": "3.3.2", "dags": "1"}


def test_a_bundle_that_never_rests_is_said(server: HttpServer, airflow: Airflow, platform: AirflowPlatform) -> None:
    def moving(request: Request) -> Reply:
        if request.path.startswith("/api/v2/assets"):
            airflow.versions = [{"id": str(len(server.requests))}]
        return airflow(request)

    server.answer = moving
    with pytest.raises(PlatformUnreachable, match="read its DAGs anew each time") as moved:
        platform.report("default")

    assert moved.value.code == "platform_moving"


def test_an_import_error_is_the_reports_error(airflow: Airflow, platform: AirflowPlatform) -> None:
    airflow.errors = [broken("b.py"), broken("a.py"), broken("c.py", bundle_name="another")]

    report = platform.report("default")

    assert report is not None
    assert report.error is not None
    assert report.error.message == "2 files could not be imported; a.py: No module named 'nothing'"
    assert [link["message"].partition(":")[0] for link in report.error.chain] == ["a.py", "b.py"]
    assert report.error.chain[0]["frame"] == "/srv/shop/current/dags/a.py:1 in <module>: import nothing"
    assert (report.definitions_digest, report.raw, report.written) == (None, {}, b"")


def test_a_whole_path_is_told_relative_to_the_bundle(airflow: Airflow, platform: AirflowPlatform) -> None:
    airflow.errors = [broken("a.py", filename="/srv/shop/current/dags/a.py")]

    report = platform.report("default")

    assert report is not None
    assert report.error is not None
    assert report.error.message == "a.py: No module named 'nothing'"


TRACES = {
    "Traceback (most recent call last):\n"
    '  File "/v/lib/python3.13/site-packages/airflow/dag.py", line 9, in add\n    raise Cycle\n'
    "airflow.exceptions.AirflowDagCycleException: Cycle detected: a\nand more": (
        "AirflowDagCycleException",
        "x.py: Cycle detected: a\nand more",
    ),
    'Traceback (most recent call last):\n  File "/dags/x.py", line 2\n    with DAG(\n            ^\n'
    "SyntaxError: '(' was never closed\n": ("SyntaxError", "x.py: '(' was never closed"),
    'Traceback (most recent call last):\n  File "/dags/x.py", line 2, in <module>\n    assert 0\nAssertionError\n': (
        "AssertionError",
        "x.py: AssertionError",
    ),
    "The file took too long to be parsed": ("", "x.py: The file took too long to be parsed"),
    "Reason: the DAG has no tasks": ("", "x.py: Reason: the DAG has no tasks"),
    "": ("", "x.py: it does not say why"),
}


@pytest.mark.parametrize(("trace", "told"), TRACES.items())
def test_a_trace_is_told_as_class_and_message(trace: str, told: tuple[str, str]) -> None:
    error = load_error([airflow_bundle.Broken("x.py", trace, NOON)])

    assert (error.class_name, error.message) == told
    assert error.chain[0]["stack"] == trace


def run(release: str | None, *, bundle: str | None = BUNDLE) -> dict[str, Any]:
    versions = [{"bundle_name": bundle, "bundle_version": "moved-on"}] if bundle else []
    return {"dag_id": "orders", "state": "running", "bundle_version": release, "dag_versions": versions}


def test_runs_are_counted_by_the_release_that_they_are_pinned_to(airflow: Airflow, platform: AirflowPlatform) -> None:
    airflow.runs = [
        run("1-a"),
        run("2-b"),
        run("2-b"),
        run(None),
        run("9-z", bundle="another"),
        run("3-c", bundle=None),
    ]

    runs = platform.runs_in_flight()

    assert (runs.total, runs.by_release, runs.more) == (5, {"1-a": 1, "2-b": 2, "": 1, "3-c": 1}, False)


@pytest.mark.parametrize(
    ("runs", "counted", "releases"),
    [
        ([run("1-a")] * 8, 6, {"1-a": 6}),
        ([run(None)] * 8, 3, {"": 3}),  # none needs a release: the newest are enough
        ([run("9-z", bundle="another")] * 4 + [run("1-a")] * 4, 2, {"1-a": 2}),
    ],
    ids=["pinned", "without versions", "behind those of another bundle"],
)
def test_runs_are_counted_to_a_bound(
    airflow: Airflow,
    platform: AirflowPlatform,
    monkeypatch: pytest.MonkeyPatch,
    runs: list[dict[str, Any]],
    counted: int,
    releases: dict[str, int],
) -> None:
    monkeypatch.setattr(airflow_runs, "MOST_RUNS", 3)
    monkeypatch.setattr(airflow_runs, "MOST_PINNED_RUNS", 6)
    airflow.runs = runs

    found = platform.runs_in_flight()

    assert (found.total, found.by_release, found.more) == (counted, releases, True)


def test_all_pinned_runs_are_counted_where_the_newest_are_many(
    airflow: Airflow, platform: AirflowPlatform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(airflow_runs, "MOST_RUNS", 3)
    airflow.runs = [run("2-b")] * 110 + [run("1-a")]

    found = platform.runs_in_flight()

    assert (found.by_release, found.more) == ({"2-b": 110, "1-a": 1}, False)


PROCESSORS = {
    "unhealthy": {"status": "unhealthy", "latest_dag_processor_heartbeat": NOON.isoformat()},
    "never seen": {"status": None, "latest_dag_processor_heartbeat": None},
    "not told": None,
}


@pytest.mark.parametrize("processor", PROCESSORS.values(), ids=PROCESSORS)
def test_the_connection_misses_a_processor_that_does_not_run(
    airflow: Airflow, platform: AirflowPlatform, processor: dict[str, Any] | None
) -> None:
    airflow.processor = processor

    missing = platform.connection().missing

    assert len(missing) == 1
    assert "does not run" in missing[0]
    assert "start airflow dag-processor" in missing[0]


@pytest.mark.parametrize(("version", "told"), [("3.0.6", 1), ("3.1.8", 0), ("3.2.2", 0), ("3.10.0", 0), ("4.0.0", 0)])
def test_the_connection_says_what_an_older_version_cannot_tell(
    airflow: Airflow, platform: AirflowPlatform, version: str, told: int
) -> None:
    airflow.version = version

    assert len(platform.connection().missing) == told


@pytest.mark.parametrize("filters", [True, False], ids=["filtered there", "filtered here"])
def test_a_bundle_that_was_never_seen_has_nothing_to_ask_for(
    airflow: Airflow, platform: AirflowPlatform, filters: bool
) -> None:
    airflow.filters = filters
    airflow.dags = [ELSEWHERE]

    assert platform.reload("default") is False
    assert platform.reload_all() is False
    assert airflow.asked_files == []
    assert "There are DAGs of another." in platform.connection().missing[0]


def test_a_bundle_of_which_all_is_stale_is_asked_for_by_a_stale_dag(
    airflow: Airflow, platform: AirflowPlatform
) -> None:
    airflow.dags, airflow.stale = [], [dag("was", is_stale=True)]

    assert platform.ask_to_read() is True
    assert airflow.asked_files == ["was.py"]


@pytest.mark.parametrize(("status", "answer"), [(201, True), (409, True), (404, False)])
def test_a_file_that_is_asked_for_already_is_asked_for(
    airflow: Airflow, platform: AirflowPlatform, status: int, answer: bool
) -> None:
    airflow.put_status = status

    assert platform.ask_to_read() is answer
