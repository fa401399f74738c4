"""How the Airflow driver tells that a release was read: by its version, or by its text."""

import pytest

from deployments.platforms import airflow_asking, airflow_converging
from tests.platforms.airflow_api import Airflow, broken, dag, later
from tests.platforms.airflow_asked import BEFORE, DAG_FILE, OLD_FILE, RELEASE, Ask, airflow, ask, serve

__all__ = ["airflow", "ask"]


def test_a_text_that_is_the_releases_is_seen(airflow: Airflow, ask: Ask) -> None:
    serve(airflow, "orders", OLD_FILE, at=-20)
    asked = ask({"orders.py": DAG_FILE})
    before = asked.at(0)
    serve(airflow, "orders", DAG_FILE, at=1)
    after = asked.at(1.5)

    assert before.done is None
    assert before.words == "Airflow has not read all of this release yet: orders to come."
    assert (after.done, after.words) == (True, "Airflow serves this release: 1 DAG of 1 file.")
    assert after.seen == {}


def test_a_text_is_compared_once_for_each_parse_since_the_release_is_there(airflow: Airflow, ask: Ask) -> None:
    serve(airflow, "orders", OLD_FILE, at=-20)
    serve(airflow, "report", DAG_FILE, at=-20)
    asked = ask({"orders.py": DAG_FILE, "report.py": DAG_FILE})
    asked.at(0)
    before = list(airflow.asked_sources)
    serve(airflow, "report", DAG_FILE, at=1.2)
    serve(airflow, "orders", OLD_FILE, at=1.2)
    looks = [asked.at(1.5).done, asked.at(1.7).done]
    serve(airflow, "orders", DAG_FILE, at=1.8)
    looks.append(asked.at(2).done)

    assert looks == [None, None, True]
    assert before == []
    assert sorted(airflow.asked_sources) == ["orders", "orders", "report"]


def test_the_same_text_from_before_the_release_proves_nothing(airflow: Airflow, ask: Ask) -> None:
    """Only what it imports has changed."""
    serve(airflow, "orders", DAG_FILE, at=-20)
    asked = ask({"orders.py": DAG_FILE, "helper.py": "raise RuntimeError\n"})
    first = asked.at(0.1)
    airflow.errors = [broken("orders.py", at=later(1), line=DAG_FILE.strip())]
    airflow.stale, airflow.dags = airflow.dags, []
    asked.at(1.5)
    airflow.errors = [broken("orders.py", at=later(3), line=DAG_FILE.strip())]

    assert first.done is None
    assert first.words == "Airflow has not read all of this release yet: orders to come."
    assert asked.at(3.5).done is False


def test_few_texts_are_compared_at_once(airflow: Airflow, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(airflow_converging, "MOST_SOURCES", 2)
    names = ("a", "b", "c", "d", "e")
    for name in names:
        serve(airflow, name, DAG_FILE, at=1)
    asked = ask({f"{name}.py": DAG_FILE for name in names})

    assert [asked.at(second).done for second in (2, 3, 4)] == [None, None, True]
    assert len(airflow.asked_sources) == 5


def test_ends_of_lines_do_not_count(airflow: Airflow, ask: Ask) -> None:
    serve(airflow, "orders", "import airflow\nDAG\n", at=1)

    assert ask({"orders.py": "import airflow\r\nDAG\r\n"}).at(2).done is True


def test_a_parse_that_was_under_way_proves_nothing(airflow: Airflow, ask: Ask) -> None:
    serve(airflow, "orders", DAG_FILE, at=0.1, took=3.0)
    asked = ask({"orders.py": DAG_FILE})
    during = asked.at(0.5)
    serve(airflow, "orders", DAG_FILE, at=6, took=3.0)
    after = asked.at(6.5)

    assert (during.done, after.done) == (None, True)


def test_an_airflow_that_does_not_tell_how_long_a_parse_took_is_believed(airflow: Airflow, ask: Ask) -> None:
    serve(airflow, "orders", DAG_FILE, at=0.1, took=None)

    assert ask({"orders.py": DAG_FILE}).at(1).done is True


def test_a_dag_of_a_file_that_is_gone_has_to_go(airflow: Airflow, ask: Ask) -> None:
    serve(airflow, "orders", DAG_FILE, at=1)
    serve(airflow, "old", OLD_FILE, at=-20)
    asked = ask({"orders.py": DAG_FILE})
    before = asked.at(1)
    airflow.dags = [row for row in airflow.dags if row["dag_id"] != "old"]
    after = asked.at(2)

    assert before.done is None
    assert before.words == "old of files that this release does not have: Airflow still shows them."
    assert after.done is True


def test_a_dag_that_left_its_file_is_not_waited_for(airflow: Airflow, ask: Ask) -> None:
    serve(airflow, "orders", DAG_FILE, at=10, bundle_version=RELEASE)
    serve(airflow, "left", DAG_FILE, at=-20, bundle_version=BEFORE, relative_fileloc="orders.py")

    assert ask({"orders.py": DAG_FILE}).at(11).done is True


def test_a_version_that_is_the_release_is_seen(airflow: Airflow, ask: Ask) -> None:
    serve(airflow, "orders", OLD_FILE, at=-20, bundle_version=BEFORE)
    asked = ask({"orders.py": DAG_FILE})
    before = asked.at(0)
    serve(airflow, "orders", OLD_FILE, at=1, bundle_version=RELEASE)
    after = asked.at(2)

    assert before.done is None
    assert (after.done, after.words) == (
        True,
        f"Airflow serves this release: 1 DAG of 1 file. Each is at bundle version {RELEASE}.",
    )
    assert airflow.asked_sources == []


def test_a_zip_is_known_by_the_time_of_its_parse(airflow: Airflow, ask: Ask) -> None:
    serve(airflow, "packed", "", at=-20, relative_fileloc="all.zip/packed.py")
    asked = ask({"all.zip": "no text"})
    before = asked.at(0)
    serve(airflow, "packed", "", at=1, relative_fileloc="all.zip/packed.py")

    assert (before.done, asked.at(2).done) == (None, True)


def test_a_text_that_is_hidden_from_us_is_known_by_the_time_of_its_parse(airflow: Airflow, ask: Ask) -> None:
    serve(airflow, "orders", "REDACTED - you do not have read permission", at=1)

    assert ask({"orders.py": DAG_FILE}).at(2).done is True


def test_a_new_file_is_waited_for(airflow: Airflow, ask: Ask) -> None:
    serve(airflow, "orders", DAG_FILE, at=1)
    asked = ask({"orders.py": DAG_FILE, "new.py": DAG_FILE, "helper.py": "x = 1\n", "readme.md": "airflow dag"})
    before = asked.at(2)
    serve(airflow, "new", DAG_FILE, at=3)
    after = asked.at(4)

    assert (before.done, before.words) == (None, "new.py may define DAGs, and Airflow shows none of it yet.")
    assert (after.done, after.words) == (True, "Airflow serves this release: 2 DAGs of 2 files.")
    assert asked.texts_read.count("helper.py") == 1


def test_a_file_without_dags_is_given_up_once_nothing_comes_any_more(airflow: Airflow, ask: Ask) -> None:
    files = {"orders.py": DAG_FILE, "report.py": DAG_FILE, "helper.py": DAG_FILE}
    serve(airflow, "orders", DAG_FILE, at=1)
    asked = ask(files)
    looks = [asked.at(2).done, asked.at(6).done]
    serve(airflow, "report", DAG_FILE, at=6.5)  # it comes nearer: from here on it is counted
    looks += [asked.at(7).done, asked.at(11).done, asked.at(12.5).done]

    assert looks == [None, None, None, None, True]


def test_a_file_without_dags_is_not_given_up_before_airflow_looked(airflow: Airflow, ask: Ask) -> None:
    serve(airflow, "orders", DAG_FILE, at=-20)
    asked = ask({"orders.py": DAG_FILE, "helper.py": DAG_FILE})

    assert [asked.at(second).done for second in (0, 10, 60)] == [None, None, None]


def test_a_release_of_nothing_is_seen_when_all_is_gone(airflow: Airflow, ask: Ask) -> None:
    assert ask({"readme.md": "nothing"}).at(1).words == "Airflow serves this release: 0 DAGs of 0 files."


def test_a_file_that_once_had_dags_is_given_a_minute_to_have_them_again(airflow: Airflow, ask: Ask) -> None:
    serve(airflow, "orders", DAG_FILE, at=0.8)
    airflow.stale = [dag("was", at=later(-600), is_stale=True)]
    asked = ask({"orders.py": DAG_FILE, "was.py": DAG_FILE})

    assert [asked.at(second).done for second in (1, 7, 55, 62)] == [None, None, None, True]
    assert airflow.asked_files == ["was.py", "was.py"]


def test_files_that_were_not_read_are_asked_for_every_five_seconds(airflow: Airflow, ask: Ask) -> None:
    serve(airflow, "orders", DAG_FILE, at=0.5)
    serve(airflow, "report", OLD_FILE, at=-20)
    asked = ask({"orders.py": DAG_FILE, "report.py": DAG_FILE})
    for second in range(1, 13):
        asked.at(second)

    assert airflow.asked_files == ["report.py", "report.py"]


def test_of_many_files_others_are_asked_for_each_time(
    airflow: Airflow, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(airflow_asking, "MOST_PUTS", 2)
    monkeypatch.setattr(airflow_converging, "MOST_PUTS", 2)
    for name in "abc":
        serve(airflow, name, DAG_FILE, at=-20)
    asked = ask({f"{name}.py": DAG_FILE for name in "abc"})
    for second in (0, 6, 12):
        asked.at(second)

    assert airflow.asked_files == ["a.py", "b.py", "c.py", "a.py"]


def test_where_nothing_is_served_what_is_stale_is_asked_for(airflow: Airflow, ask: Ask) -> None:
    airflow.stale = [dag("orders", is_stale=True)]
    asked = ask({"orders.py": DAG_FILE})
    asked.at(0)
    asked.at(6)

    assert airflow.asked_files == ["orders.py"]


def test_a_processor_that_does_not_run_is_said_and_nothing_is_done(airflow: Airflow, ask: Ask) -> None:
    serve(airflow, "orders", DAG_FILE, at=1)
    airflow.processor = {"status": "unhealthy", "latest_dag_processor_heartbeat": None}
    found = ask({"orders.py": DAG_FILE}).at(2)

    assert found.done is None
    assert "The DAG processor of Airflow at" in found.words
    assert "does not run" in found.words


def test_who_may_not_have_files_read_waits_for_airflow_to_do_so(airflow: Airflow, ask: Ask) -> None:
    serve(airflow, "orders", OLD_FILE, at=-20)
    airflow.put_status = 403
    asked = ask({"orders.py": DAG_FILE})
    looks = [asked.at(second).done for second in (0, 6)]
    serve(airflow, "orders", DAG_FILE, at=30)

    assert [*looks, asked.at(31).done] == [None, None, True]
    assert airflow.asked_files == ["orders.py"]


def test_a_parse_of_a_moment_before_the_release_is_not_taken_for_one_since(airflow: Airflow, ask: Ask) -> None:
    """An answer tells Airflow's clock by the second only."""
    serve(airflow, "orders", DAG_FILE, at=-0.05)
    asked = ask({"orders.py": DAG_FILE})
    looks = [asked.at(0.1).done, asked.at(1).done]
    serve(airflow, "orders", DAG_FILE, at=1.2)

    assert [*looks, asked.at(1.5).done] == [None, None, True]
