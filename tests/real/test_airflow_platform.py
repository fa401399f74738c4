"""The Airflow driver against a real Airflow over the folder behind `current`, a bundle without versions."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from deployments.platforms.airflow import AirflowPlatform
from deployments.platforms.base import LocationReport, PlatformRefused
from tests.real.airflow_server import AirflowServer, password_of
from tests.real.airflow_site import BROKEN, Site, converged, dag, wait_for

pytestmark = [pytest.mark.airflow, pytest.mark.xdist_group("airflow")]

ORDERS = dag(
    "orders",
    "extract",
    "load",
    settings="schedule='@daily', tags=['gold', 'core'], description='All orders', default_args={'owner': 'ann'}",
)
FIRST = {
    "orders.py": ORDERS.replace("task_id='load'", "task_id='load', outlets=[Asset('orders', uri='s3://lake/orders')]"),
    "report.py": dag("report", settings="schedule=[Asset('orders', uri='s3://lake/orders')]"),
    "lib/words.py": "WORDS = 'neither of the two'\n",
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    site = Site(tmp_path_factory.mktemp("site") / "shop")
    site.put(FIRST)
    return site


@pytest.fixture(scope="module")
def server(
    airflow_bin: Path, airflow_template: Path, site: Site, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[AirflowServer]:
    home = tmp_path_factory.mktemp("airflow-plain")
    with AirflowServer(home, bin_dir=airflow_bin, template=airflow_template, dags=site.dags) as server:
        yield server


@pytest.fixture(scope="module")
def airflow(server: AirflowServer) -> Iterator[AirflowPlatform]:
    with platform(server) as airflow:
        wait_for(lambda: len(loaded(airflow).raw["dags"]) == 2)
        yield airflow


@pytest.fixture(autouse=True)
def back_to_the_first(airflow: AirflowPlatform, site: Site) -> Iterator[None]:
    """Let each test begin with the first release: most leave it in place, or come back to it themselves."""
    yield
    if site.files != FIRST:
        assert converged(airflow, site.put(FIRST)).done is True


def platform(
    server: AirflowServer, user: str = "portal", password: str = "", bundle: str = "dags-folder"
) -> AirflowPlatform:
    return AirflowPlatform(server.url, user=user, password=password or password_of(user), bundle=bundle, timeout=30)


def loaded(airflow: AirflowPlatform) -> LocationReport:
    report = airflow.report("default")
    assert report is not None
    assert report.error is None
    return report


def key(airflow: AirflowPlatform) -> str:
    return airflow.statuses()["default"].version_key


def test_says_what_there_is(airflow: AirflowPlatform) -> None:
    connection = airflow.connection()

    assert connection.version == airflow.version() == "3.3.2"
    assert connection.locations == ("default",)
    assert connection.missing == ()
    assert airflow.status("elsewhere") is None
    assert airflow.report("elsewhere") is None


def test_says_that_a_bundle_was_never_seen(server: AirflowServer) -> None:
    with platform(server, bundle="dag-folder") as mistyped:
        missing = mistyped.connection().missing
        asked = mistyped.ask_to_read()

    assert len(missing) == 1
    assert "No DAG of a bundle named dag-folder was seen yet" in missing[0]
    assert "There are DAGs of dags-folder." in missing[0]
    assert asked is False


def test_reports_what_is_defined(airflow: AirflowPlatform) -> None:
    report = loaded(airflow)

    orders, waiting = report.raw["dags"]
    assert (orders["dag_id"], orders["file"], orders["tags"]) == ("orders", "orders.py", ["core", "gold"])
    assert (orders["owners"], orders["description"]) == (["ann"], "All orders")
    assert orders["schedule"] == {"summary": "0 0 * * *", "description": "At 00:00"}
    assert orders["tasks"] == [
        {"task_id": "extract", "operator": "EmptyOperator", "downstream": ["load"]},
        {"task_id": "load", "operator": "EmptyOperator", "downstream": []},
    ]
    assert len(orders["sha256"]) == 64
    assert waiting["schedule"]["summary"] == "Asset"
    assert report.raw["assets"] == [
        {
            "name": "orders",
            "uri": "s3://lake/orders",
            "group": "asset",
            "scheduled_dags": ["report"],
            "producing_tasks": [{"dag_id": "orders", "task_id": "load"}],
            "consuming_tasks": [],
        }
    ]
    assert report.asset_count == 3
    assert report.metadata == {"dag_bundle": "dags-folder", "airflow_version": "3.3.2", "dags": "2"}
    assert report.server_id is None


def test_the_same_code_has_the_same_digest_and_key_in_another_release(airflow: AirflowPlatform, site: Site) -> None:
    before = loaded(airflow)
    again = site.put(FIRST)
    assert converged(airflow, again).done is True
    after = loaded(airflow)

    assert (after.definitions_digest, after.version_key) == (before.definitions_digest, before.version_key)
    assert key(airflow) == after.version_key


def test_a_file_is_added_changed_and_removed(airflow: AirflowPlatform, site: Site) -> None:
    before, before_key = loaded(airflow), key(airflow)
    added = converged(airflow, site.put({**FIRST, "refunds.py": dag("refunds")}))
    with_it, with_it_key = loaded(airflow), key(airflow)
    changed = converged(airflow, site.put({**FIRST, "refunds.py": dag("refunds", "first", "then")}))
    with_two = loaded(airflow)
    removed = converged(airflow, site.put(FIRST))
    after = loaded(airflow)

    assert added.words == "Airflow serves this release: 3 DAGs of 3 files."
    assert [found.done for found in (added, changed, removed)] == [True, True, True]
    assert [each["dag_id"] for each in with_it.raw["dags"]] == ["orders", "refunds", "report"]
    assert [task["task_id"] for task in with_two.raw["dags"][1]["tasks"]] == ["first", "then"]
    assert len({before.definitions_digest, with_it.definitions_digest, with_two.definitions_digest}) == 3
    assert before_key != with_it_key
    assert after.definitions_digest == before.definitions_digest


def test_a_change_inside_a_function_alone_is_seen_by_its_text(airflow: AirflowPlatform, site: Site) -> None:
    before = loaded(airflow)
    found = converged(airflow, site.put({**FIRST, "orders.py": FIRST["orders.py"] + "# another body\n"}))
    after = loaded(airflow)

    assert found.done is True
    assert after.raw["dags"][0]["sha256"] != before.raw["dags"][0]["sha256"]
    assert after.raw["dags"][0]["tasks"] == before.raw["dags"][0]["tasks"]


def test_a_broken_file_is_an_error_and_no_empty_set_and_is_mended(airflow: AirflowPlatform, site: Site) -> None:
    broken = converged(airflow, site.put({**FIRST, "orders.py": BROKEN}))
    report = airflow.report("default")
    mended = converged(airflow, site.put(FIRST))

    assert broken.done is False
    assert broken.words == (
        "1 file of this release could not be imported: orders.py: No module named 'a_module_that_is_not_there'."
    )
    assert broken.error is not None
    assert broken.error.class_name == "ModuleNotFoundError"
    assert broken.error.chain[0]["frame"] == (f"{site.dags}/orders.py:2 in <module>: import a_module_that_is_not_there")
    assert report is not None
    assert report.error == broken.error
    assert (report.definitions_digest, report.raw, report.asset_count) == (None, {}, 0)
    assert mended.done is True
    assert loaded(airflow).error is None


def test_a_helper_that_breaks_alone_is_seen_in_the_dag_that_imports_it(airflow: AirflowPlatform, site: Site) -> None:
    uses = "import helper\n" + dag("uses")
    good = {**FIRST, "uses.py": uses, "helper.py": "X = 1\n"}
    assert converged(airflow, site.put(good)).done is True
    began = time.monotonic()
    broken = converged(airflow, site.put({**good, "helper.py": "raise RuntimeError('no such table')\n"}))
    took = time.monotonic() - began
    again = converged(airflow, site.put(good))

    assert broken.done is False
    assert broken.words == "1 file of this release could not be imported: uses.py: no such table."
    assert took < 12
    assert again.done is True
    assert again.words == "Airflow serves this release: 3 DAGs of 3 files."


def test_a_mended_file_that_takes_long_to_import_is_waited_for(airflow: AirflowPlatform, site: Site) -> None:
    slow = "import time\ntime.sleep(8)\n" + dag("heavy")
    assert converged(airflow, site.put({**FIRST, "heavy.py": dag("heavy")})).done is True
    broken = converged(airflow, site.put({**FIRST, "heavy.py": BROKEN}))
    mended = converged(airflow, site.put({**FIRST, "heavy.py": slow}))
    served = [each["dag_id"] for each in loaded(airflow).raw["dags"]]

    assert (broken.done, mended.done) == (False, True)
    assert served == ["heavy", "orders", "report"]


def test_what_never_parsed_is_broken_too(airflow: AirflowPlatform, site: Site) -> None:
    found = converged(airflow, site.put({**FIRST, "new.py": "from airflow.sdk import DAG\nwith DAG('new'\n  x = 3\n"}))

    assert found.done is False
    assert found.error is not None
    assert found.error.class_name == "SyntaxError"
    assert found.error.message.startswith("new.py: ")
    assert f"{site.dags}/new.py:2: with DAG('new'" in found.error.chain[0]["frame"]


def test_a_release_in_which_all_is_broken_is_left_again(airflow: AirflowPlatform, site: Site) -> None:
    broken = converged(airflow, site.put({"orders.py": BROKEN, "report.py": BROKEN}))
    mended = converged(airflow, site.put(FIRST))

    assert broken.done is False
    assert broken.error is not None
    # The first one is enough: the other may not have been read yet.
    assert {link["message"].partition(":")[0] for link in broken.error.chain} <= {"orders.py", "report.py"}
    assert mended.done is True


def test_a_release_without_any_dag_is_left_again(airflow: AirflowPlatform, site: Site) -> None:
    emptied = converged(airflow, site.put({"readme.md": "Nothing yet.\n"}))
    empty = loaded(airflow)
    filled = converged(airflow, site.put(FIRST))

    assert emptied.words == "Airflow serves this release: 0 DAGs of 0 files."
    assert empty.raw == {"dags": [], "assets": []}
    assert filled.done is True
    assert loaded(airflow).asset_count == 3


def test_a_file_that_only_speaks_of_dags_is_not_waited_for_long(airflow: AirflowPlatform, site: Site) -> None:
    helper = "# helps DAGs of Airflow\nHELP = 1\n"
    found = converged(airflow, site.put({**FIRST, "helper.py": helper}))

    assert found.done is True
    assert found.words == "Airflow serves this release: 2 DAGs of 2 files."


def test_a_dag_that_left_its_file_is_not_waited_for(airflow: AirflowPlatform, site: Site) -> None:
    two = dag("one") + dag("two").partition("\n\n")[2]
    assert converged(airflow, site.put({**FIRST, "both.py": two})).done is True
    found = converged(airflow, site.put({**FIRST, "both.py": dag("one")}))

    assert found.done is True


def test_a_token_that_ran_out_is_fetched_anew(airflow: AirflowPlatform) -> None:
    endpoint = airflow._airflow
    endpoint._token = "nonsense"

    assert airflow.statuses()["default"].version_key
    assert endpoint._token != "nonsense"


def test_a_wrong_password_is_refused(server: AirflowServer) -> None:
    with platform(server, password="wrong-secret") as stranger, pytest.raises(PlatformRefused) as refused:
        stranger.statuses()

    assert refused.value.code == "platform_auth"
    assert "does not know the user portal" in str(refused.value)
    assert "wrong-secret" not in str(refused.value)


def test_nobody_is_refused(server: AirflowServer) -> None:
    with AirflowPlatform(server.url) as nobody, pytest.raises(PlatformRefused, match="check the headers") as refused:
        nobody.statuses()

    assert refused.value.code == "platform_auth"


def test_a_viewer_may_look_and_not_have_files_read(server: AirflowServer) -> None:
    with platform(server, "watcher") as viewer:
        assert len(loaded(viewer).raw["dags"]) == 2
        with pytest.raises(PlatformRefused, match="needs the role User") as refused:
            viewer.reload("default")

    assert refused.value.code == "not_allowed"


def test_nothing_is_in_flight(airflow: AirflowPlatform) -> None:
    runs = airflow.runs_in_flight()

    assert (runs.total, runs.by_release, runs.more) == (0, {}, False)
