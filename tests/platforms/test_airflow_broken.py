"""How the Airflow driver tells an import error of this release from one of the release before."""

import pytest

from tests.platforms.airflow_api import Airflow, broken, dag, later
from tests.platforms.airflow_asked import DAG_FILE, RELEASE, Ask, airflow, ask, serve

__all__ = ["airflow", "ask"]


@pytest.mark.parametrize("version", [None, RELEASE], ids=["without versions", "with versions"])
def test_a_broken_file_is_believed_after_a_second_look(airflow: Airflow, ask: Ask, version: str | None) -> None:
    serve(airflow, "orders", DAG_FILE, at=1, bundle_version=version)
    airflow.errors = [broken("new.py", at=later(1))]
    asked = ask({"orders.py": DAG_FILE, "new.py": "import nothing\n"})
    first, second = asked.at(1.5), asked.at(4)

    assert first.done is None
    assert first.words == "new.py could not be imported: Airflow is asked once more."
    assert second.done is False
    assert second.words == "1 file of this release could not be imported: new.py: No module named 'nothing'."
    assert second.error is not None
    assert second.error.class_name == "ModuleNotFoundError"


@pytest.mark.parametrize("others", [0, 1], ids=["nothing is served", "something is served"])
def test_a_broken_file_is_known_by_its_whole_path(airflow: Airflow, ask: Ask, others: int) -> None:
    """As Airflow 3.0 tells it."""
    for _ in range(others):
        serve(airflow, "orders", DAG_FILE, at=1)
    airflow.errors = [broken("a/new.py", at=later(1), filename="/srv/shop/current/dags/a/new.py")]
    asked = ask(
        {"orders.py": DAG_FILE, "a/new.py": "import nothing\n", "new.py": "another"}
        if others
        else {"a/new.py": "import nothing\n"}
    )
    asked.at(1.5)

    assert asked.at(4).done is False


def test_an_error_of_the_file_of_before_is_waited_out(airflow: Airflow, ask: Ask) -> None:
    serve(airflow, "orders", DAG_FILE, at=1)
    # It was read before the release was placed, or shows a line that the release does not have.
    airflow.errors = [broken("old.py", at=later(-1)), broken("late.py", at=later(0.5), line="import other")]
    asked = ask({"orders.py": DAG_FILE, "old.py": "import nothing\n", "late.py": "import nothing\n"})
    looks = [asked.at(second).done for second in (1, 4, 20, 100)]
    airflow.errors = airflow.errors[:1]
    waiting = asked.at(101)
    airflow.errors = []

    assert looks == [None, None, None, None]
    assert (waiting.done, waiting.words) == (None, "old.py could not be imported before: to be read again.")
    assert asked.at(102).done is True


@pytest.mark.parametrize("version", [None, RELEASE], ids=["without versions", "with versions"])
def test_a_file_that_was_broken_is_waited_for_however_long_its_import_takes(
    airflow: Airflow, ask: Ask, version: str | None
) -> None:
    serve(airflow, "orders", DAG_FILE, at=0.8, bundle_version=version)
    airflow.errors = [broken("heavy.py", at=later(-30))]
    airflow.stale = [dag("heavy", at=later(-600), is_stale=True)]
    asked = ask({"orders.py": DAG_FILE, "heavy.py": DAG_FILE})
    looks = [asked.at(second).done for second in (1, 7, 15, 100)]
    airflow.errors, airflow.stale = [], []
    serve(airflow, "heavy", DAG_FILE, at=101, bundle_version=version)

    assert looks == [None, None, None, None]
    assert airflow.asked_files == ["heavy.py"] * 3
    assert asked.at(102).done is True


@pytest.mark.parametrize("at", [2.5, 6.0], ids=["at once", "the second time"])
def test_an_error_of_a_file_that_can_be_asked_for_counts_once_it_was_read_again(
    airflow: Airflow, ask: Ask, at: float
) -> None:
    """The first may come out of a parse that was under way, and of what the file imported then."""
    airflow.errors = [broken("orders.py", at=later(0.6))]
    airflow.stale = [dag("orders", at=later(-20), is_stale=True)]
    asked = ask({"orders.py": "import nothing\n"})
    looks = [asked.at(second).done for second in (1, 2, 5.5)]
    airflow.errors = [broken("orders.py", at=later(at))]

    assert looks == [None, None, None]
    assert airflow.asked_files == ["orders.py"]
    assert asked.at(6.5).done is False


def test_an_error_out_of_a_parse_that_was_under_way_goes(airflow: Airflow, ask: Ask) -> None:
    airflow.errors = [broken("orders.py", at=later(0.6), line=DAG_FILE.strip())]
    airflow.stale = [dag("orders", at=later(-20), is_stale=True)]
    asked = ask({"orders.py": DAG_FILE})
    looks = [asked.at(second).done for second in (1, 4)]
    airflow.errors, airflow.stale = [], []
    serve(airflow, "orders", DAG_FILE, at=4.5)

    assert [*looks, asked.at(5).done] == [None, None, True]


def test_an_error_is_believed_at_last_when_the_file_is_not_read_again(airflow: Airflow, ask: Ask) -> None:
    airflow.errors = [broken("orders.py", at=later(0.6))]
    airflow.stale = [dag("orders", at=later(-20), is_stale=True)]
    asked = ask({"orders.py": "import nothing\n"})

    assert [asked.at(second).done for second in (1, 60, 62)] == [None, None, False]


def test_once_a_release_is_broken_all_its_broken_files_are_told(airflow: Airflow, ask: Ask) -> None:
    airflow.errors = [broken("a.py", at=later(1))]
    asked = ask({"a.py": "import nothing\n", "b.py": "import nothing\n"})
    asked.at(1.5)
    airflow.errors.append(broken("b.py", at=later(3.8)))
    found = asked.at(4)

    assert found.error is not None
    assert [link["message"].partition(":")[0] for link in found.error.chain] == ["a.py", "b.py"]
    assert found.words.startswith("2 files of this release could not be imported: a.py: ")


def test_an_error_that_shows_no_line_is_believed_later(airflow: Airflow, ask: Ask) -> None:
    airflow.errors = [broken("new.py", at=later(1), stack_trace="The file took too long.")]
    asked = ask({"new.py": DAG_FILE})

    assert [asked.at(second).done for second in (1, 4, 12)] == [None, None, False]


def test_an_error_that_goes_is_forgotten(airflow: Airflow, ask: Ask) -> None:
    airflow.errors = [broken("new.py", at=later(0.5))]
    asked = ask({"new.py": "import nothing\n"})
    asked.at(1)
    airflow.errors = []
    asked.at(2)
    airflow.errors = [broken("new.py", at=later(9))]

    assert asked.at(10).done is None
    assert asked.at(13).done is False


def test_an_error_of_a_file_that_the_release_does_not_have_is_none(airflow: Airflow, ask: Ask) -> None:
    serve(airflow, "orders", DAG_FILE, at=1)
    airflow.errors = [broken("gone.py", at=later(1)), broken("orders.py", at=later(1), bundle_name="another")]
    asked = ask({"orders.py": DAG_FILE})

    assert asked.at(5).done is True
