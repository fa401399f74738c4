"""The bundle class in a real Airflow: versions of DAGs, and runs that stay on the release that they began with."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from deployments.platforms.airflow import AirflowPlatform
from tests.real.airflow_server import AirflowServer, password_of
from tests.real.airflow_site import BROKEN, Site, converged, dag, wait_for
from tests.workers import ROOT

pytestmark = [pytest.mark.airflow, pytest.mark.xdist_group("airflow")]

DOWNLOAD = ROOT / "deployments" / "downloads" / "lastgood_airflow_bundle.py"
BUNDLE = "shop"
PLACE = "acme/production/shop"
# Two tasks, each of which writes down what it runs, and imports its helper late; the first waits for us.
STEPS = """
import time
from pathlib import Path

from airflow.sdk import DAG, task

NOTES = Path("{notes}")


def note(step):
    import words

    with NOTES.open("a") as notes:
        notes.write(f"{{step}} of {release} with {{words.RELEASE}}\\n")


with DAG("steps", schedule=None, is_paused_upon_creation=False):

    @task
    def first():
        note("began")
        give_up_at = time.monotonic() + 60
        while not NOTES.with_suffix(".go").exists() and time.monotonic() < give_up_at:
            time.sleep(0.2)
        note("first")

    @task
    def second():
        note("second")

    first() >> second()
"""


# Asks a bundle by itself, in Airflow's own Python, and prints what it answers or raises, line by line.
SCRIPT = """
import os, sys
from pathlib import Path
from lastgood_airflow_bundle import LastgoodBundle

root = Path(sys.argv[1])

def said(ask):
    try:
        print(ask())
    except Exception as problem:
        print(type(problem).__name__, problem)

def bundle(**more):
    return LastgoodBundle(name="shop", root=str(root), **more)

said(bundle().initialize)
(root / "releases" / "1-a" / "dags").mkdir(parents=True)
(root / "current").symlink_to("releases/1-a")
tracking = bundle()
said(tracking.initialize)
said(lambda: (tracking.path / "..").resolve().name)
os.unlink(root / "current")
(root / "current").symlink_to("releases/2-b")
said(tracking.refresh)
said(lambda: tracking.get_current_version().version)
said(bundle(version="2-b").initialize)
said(bundle(version="../releases/1-a").initialize)
said(bundle(version="1-a").refresh)
said(lambda: bundle(version="1-a").path == root / "releases" / "1-a" / "dags")
said(lambda: bundle(portal_url="https://lg.example", place="a/b/c").view_url("1-a"))
said(lambda: bundle().view_url("1-a"))
said(lambda: bundle().view_url_template())
"""


@pytest.fixture(scope="module")
def notes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where tasks write down what they run."""
    return tmp_path_factory.mktemp("notes") / "notes.txt"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    site = Site(tmp_path_factory.mktemp("versioned") / "shop")
    site.put({"orders.py": dag("orders")})
    return site


@pytest.fixture(scope="module")
def server(
    airflow_bin: Path, airflow_template: Path, site: Site, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[AirflowServer]:
    home = tmp_path_factory.mktemp("airflow-versioned")
    (home / "config").mkdir()
    shutil.copy(DOWNLOAD, home / "config")
    kwargs = {"root": str(site.root), "portal_url": "https://lastgood.example/", "place": PLACE}
    bundle = {"name": BUNDLE, "classpath": "lastgood_airflow_bundle.LastgoodBundle", "kwargs": kwargs}
    with AirflowServer(home, bin_dir=airflow_bin, template=airflow_template, bundles=[bundle], runs=True) as server:
        yield server


@pytest.fixture(scope="module")
def airflow(server: AirflowServer) -> Iterator[AirflowPlatform]:
    user = {"user": "portal", "password": password_of("portal")}
    with AirflowPlatform(server.url, **user, bundle=BUNDLE, timeout=30) as airflow:
        wait_for(airflow.ask_to_read)
        yield airflow


class Asking:
    """Asks the API itself, as a person does who triggers runs."""

    def __init__(self, server: AirflowServer) -> None:
        said = {"username": "portal", "password": password_of("portal")}
        token = httpx.post(f"{server.url}/auth/token", json=said, timeout=30).json()["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
        self._client = httpx.Client(base_url=f"{server.url}/api/v2", headers=headers, timeout=30)

    def get(self, path: str, **params: Any) -> Any:
        answer = self._client.get(path, params=params)
        assert answer.is_success, answer.text
        return answer.json()

    def run(self, dag_id: str) -> str:
        """Trigger a run and answer its id."""
        answer = self._client.post(f"/dags/{dag_id}/dagRuns", json={"logical_date": None})
        assert answer.is_success, answer.text
        return str(answer.json()["dag_run_id"])

    def is_done(self, dag_id: str, run: str) -> bool:
        """Say whether it succeeded; a run that failed fails the test."""
        state = self.get(f"/dags/{dag_id}/dagRuns/{run}")["state"]
        assert state != "failed"
        return bool(state == "success")


@pytest.fixture(scope="module")
def asking(server: AirflowServer) -> Asking:
    return Asking(server)


def versions(asking: Asking) -> dict[str, str]:
    """Answer each served DAG's bundle version."""
    return {row["dag_id"]: row["bundle_version"] for row in asking.get("/dags", bundle_name=BUNDLE)["dags"]}


def test_each_release_is_a_version_and_a_rollback_is_the_older_code_as_a_new_one(
    airflow: AirflowPlatform, site: Site, asking: Asking
) -> None:
    first = {"orders.py": dag("orders")}
    one = site.put(first)
    assert converged(airflow, one).done is True
    report_of_one = airflow.report("default")
    two = site.put({**first, "refunds.py": dag("refunds")})
    found = converged(airflow, two)
    at_two = versions(asking)
    three = site.put({"orders.py": BROKEN, "refunds.py": dag("refunds")})
    broken = converged(airflow, three)
    back = site.put(first)
    mended = converged(airflow, back)
    report = airflow.report("default")

    assert found.words == f"Airflow serves this release: 2 DAGs of 2 files. Each is at bundle version {two.release}."
    assert at_two == {"orders": two.release, "refunds": two.release}
    assert broken.done is False
    assert broken.error is not None
    assert broken.error.message == "orders.py: No module named 'a_module_that_is_not_there'"
    assert mended.done is True
    assert versions(asking) == {"orders": back.release}
    assert report is not None
    assert report_of_one is not None
    assert report.definitions_digest == report_of_one.definitions_digest
    assert report.metadata["bundle_version"] == back.release
    assert report.placeless == report_of_one.placeless


def test_a_version_links_to_its_deploy(airflow: AirflowPlatform, site: Site, asking: Asking) -> None:
    expected = site.put({"orders.py": dag("orders"), "new.py": dag("new")})
    assert converged(airflow, expected).done is True

    told = asking.get("/dags/new/dagVersions")["dag_versions"]

    assert [each["bundle_url"] for each in told] == [
        f"https://lastgood.example/deployments/{PLACE}/deploys/{expected.release}/"
    ]


def test_nothing_is_written_into_a_release(airflow: AirflowPlatform, site: Site) -> None:
    def looks() -> dict[str, int]:
        """Answer each entry's time of change; what Python compiles when Airflow imports it is Python's."""
        entries = (site.root / "releases").rglob("*")
        return {
            str(path): path.lstat().st_ctime_ns for path in entries if "__pycache__" not in str(path) and path.is_file()
        }

    expected = site.put({"orders.py": dag("orders")})
    before = looks()
    assert converged(airflow, expected).done is True

    assert looks() == before


def test_a_run_ends_on_the_release_that_it_began_with(
    airflow: AirflowPlatform, site: Site, asking: Asking, notes: Path
) -> None:
    def put(release: str) -> str:
        files = {"steps.py": STEPS.format(notes=notes, release=release), "words.py": f"RELEASE = {release!r}\n"}
        expected = site.put(files)
        assert converged(airflow, expected).done is True
        return expected.release

    old = put("the old")
    long_run = asking.run("steps")
    wait_for(notes.exists)
    new = put("the new")
    new_run = asking.run("steps")
    wait_for(lambda: notes.read_text().count("began") == 2)
    under_way = airflow.runs_in_flight()
    notes.with_suffix(".go").touch()
    for run in (long_run, new_run):
        wait_for(lambda run=run: asking.is_done("steps", run))
    time.sleep(0.2)
    after = airflow.runs_in_flight()

    assert (under_way.total, under_way.by_release) == (2, {old: 1, new: 1})
    assert after.total == 0
    assert sorted(notes.read_text().splitlines()) == sorted(
        f"{step} of {release} with {release}"
        for step in ("began", "first", "second")
        for release in ("the old", "the new")
    )


def test_says_what_is_missing_and_keeps_what_it_has(airflow_bin: Path, tmp_path: Path) -> None:
    root = tmp_path / "shop"
    env = {"AIRFLOW_HOME": str(tmp_path), "PYTHONPATH": str(DOWNLOAD.parent), "PATH": os.environ["PATH"]}
    env["AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH"] = str(tmp_path / "bundles")
    done = subprocess.run(
        [airflow_bin / "python", "-c", SCRIPT, str(root)], env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr

    nothing = f"FileNotFoundError {root}/current leads to no release: deploy to this code location, or look whether its"
    gone = "FileNotFoundError Release 2-b is not at"
    expected = [nothing, "None", "1-a", nothing, "1-a", gone, "FileNotFoundError Release ../releases/1-a is not at"]
    expected += ["RuntimeError shop is pinned to release 1-a", "True"]
    expected += ["https://lg.example/deployments/a/b/c/deploys/1-a/", "None", "None"]
    said = done.stdout.splitlines()
    assert len(said) == len(expected)
    for line, beginning in zip(said, expected, strict=True):
        assert line.startswith(beginning)
