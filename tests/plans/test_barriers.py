"""What stands in the way of an older runtime or Airflow …"""

import pytest

from deployments import barriers
from deployments.barriers import Agent, Engine, barriers_between, version_of

HARD = {"runtime_without_way_back", "runtime_too_old", "airflow_too_old"}


def names(before: Engine, after: Engine, *agents: Agent) -> list[str]:
    """Answer the names of the barriers, hard ones first."""
    found = barriers_between(before, after, agents)
    assert all(each.is_hard is (each.name in HARD) for each in found if each.name != barriers.AGENTS)
    return [each.name for each in found]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        # The same, and newer ones: nothing.
        ("3.1-2", "3.1-2", []),
        ("3.1-2", "3.1-3", []),
        ("13.7.0", "3.1-2", []),
        ("13.7.0", "13.10.0", []),
        ("3.1-9", "3.1-10", []),
        # An older runtime of the same kind: soft.
        ("3.1-3", "3.1-2", ["runtime_downgrade"]),
        ("3.1-10", "3.1-9", ["runtime_downgrade"]),
        ("3.2-1", "3.1-9", ["runtime_downgrade"]),
        ("13.10.0", "13.9.0", ["runtime_downgrade"]),
        ("13.7.0", "4.2.6", ["runtime_downgrade"]),
        ("13.7.0-base", "13.6.0", ["runtime_downgrade"]),
        ("3.1-3-base", "3.1-2-base", ["runtime_downgrade"]),
        # From Airflow 3 to Airflow 2, as the runtimes tell.
        ("3.1-2", "13.7.0", ["airflow_3_to_2", "runtime_downgrade"]),
        ("3.1-2", "5.0.0", ["airflow_3_to_2", "runtime_downgrade"]),
        ("3.1-1", "13.7.0", ["runtime_without_way_back", "airflow_3_to_2", "runtime_downgrade"]),
        ("3.0-1", "13.7.0", ["runtime_without_way_back", "airflow_3_to_2", "runtime_downgrade"]),
        ("3.0-7", "13.7.0", ["runtime_without_way_back", "airflow_3_to_2", "runtime_downgrade"]),
        ("3.1-2", "4.2.6", ["runtime_too_old", "airflow_3_to_2", "runtime_downgrade"]),
        ("3.0-1", "4.2.6", ["runtime_without_way_back", "runtime_too_old", "airflow_3_to_2", "runtime_downgrade"]),
        # Nobody knows what is newer.
        ("3.1-2", "nightly", []),
        ("nightly", "13.7.0", []),
        ("", "13.7.0", []),
        ("3.1-2", "", []),
        ("2026-01-05", "2026-01-04", []),
    ],
)
def test_between_two_runtimes(before: str, after: str, expected: list[str]):
    assert names(Engine(before), Engine(after)) == expected


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("3.1.0", "3.1.0", []),
        ("3.1.2", "3.1.0", []),  # a patch changes no schema
        ("3.0.0", "3.1.0", []),
        ("2.10.5", "3.1.0", []),
        ("3.1.0", "3.0.6", ["engine_downgrade"]),
        ("2.10.5", "2.9.3", ["engine_downgrade"]),
        ("3.10.0", "3.9.0", ["engine_downgrade"]),
        ("3.1.0", "2.11.0", ["airflow_3_to_2"]),
        ("3.1.0", "2.3.0", ["airflow_3_to_2"]),
        ("3.1.0", "2.2.5", ["airflow_too_old", "airflow_3_to_2"]),
        ("3.1.0", "2.10.5+astro.1", ["airflow_3_to_2"]),
        ("3.1.0", "1.10.15", ["engine_downgrade"]),  # of which no table tells
        ("3.1.0", "", []),
        ("", "2.10.0", []),
        ("dev", "2.10.0", []),
    ],
)
def test_between_two_airflows_of_which_only_the_version_is_known(before: str, after: str, expected: list[str]):
    assert names(Engine("", before), Engine("", after)) == expected


def test_a12_where_one_side_is_known_by_its_runtime_and_the_other_by_its_airflow():
    assert names(Engine("", "3.1.0"), Engine("13.7.0")) == ["airflow_3_to_2"]
    assert names(Engine("3.1-2"), Engine("", "2.10.5")) == ["airflow_3_to_2"]
    assert names(Engine("3.1-1"), Engine("", "2.10.5")) == ["runtime_without_way_back", "airflow_3_to_2"]
    assert names(Engine("3.1-2", "3.1.0"), Engine("4.2.6", "2.2.5")) == [
        "runtime_too_old",
        "airflow_too_old",
        "airflow_3_to_2",
        "runtime_downgrade",
    ]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        # People number their own images as they like: the Airflow that is seen says that these are no vendor's numbers.
        (Engine("1.4.3", "3.3.2"), Engine("1.4.2"), ["runtime_downgrade"]),
        (Engine("9.1.0", "3.3.2"), Engine("9.0.0"), ["runtime_downgrade"]),
        (Engine("9.1.0", "3.3.2"), Engine("4.0.0", "3.3.2"), ["runtime_downgrade"]),
        (Engine("3.0-2", "2.10.5"), Engine("3.0-1", "2.10.5"), ["runtime_downgrade"]),
        # Or as their Airflow is.
        (Engine("3.2.0"), Engine("3.1.0"), ["runtime_downgrade"]),
        (Engine("3.2.0", "3.2.0"), Engine("3.1.0", "3.1.0"), ["engine_downgrade", "runtime_downgrade"]),
        (Engine("3.2.0", "3.2.0"), Engine("2.10.5", "2.10.5"), ["airflow_3_to_2", "runtime_downgrade"]),
    ],
)
def test_where_runtimes_are_numbered_in_a_way_of_their_own(before: Engine, after: Engine, expected: list[str]):
    assert names(before, after) == expected


def test_says_why_what_to_do_and_where_that_is_known_from():
    (found,) = barriers_between(Engine("", "3.1.0"), Engine("", "3.0.6"))

    assert "airflow db downgrade --to-version 3.0.6 --yes" in found.advice
    assert found.source
    assert "scripts for the way back" in found.detail
    unknown, _ = barriers_between(Engine("3.1-2"), Engine("13.7.0"))
    assert "--to-version VERSION" in unknown.advice


def test_is_an_agent_that_is_not_at_the_restored_version():
    after = Engine("3.1-2")
    agents = [Agent("a", "3.1-2"), Agent("b", "3.1-3"), Agent("c", "nightly")]

    (found,) = barriers_between(after, after, agents)

    assert (found.name, found.is_hard) == ("agents_not_reverted", True)
    assert "b (3.1-3), c (nightly)" in found.detail
    assert "a (" not in found.detail
    assert barriers_between(after, after, agents[:1]) == []
    assert names(after, after, Agent("a", "v3.1-2-base")) == []


def test_is_any_agent_where_nobody_recorded_the_restored_version_and_can_be_overruled():
    (found,) = barriers_between(Engine("3.1-2"), Engine(), [Agent("a", "3.1-2")])

    assert (found.name, found.is_hard) == ("agents_not_reverted", False)
    assert barriers_between(Engine(), Engine("", "3.1.0"), [Agent("a", "3.1.0")]) == []


def test_names_a_few_of_many_agents():
    (found,) = barriers_between(Engine("1-1"), Engine("1-1"), [Agent(f"a{number}", "x") for number in range(50)])

    assert "and 30 more" in found.detail


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("13.7.0", (0, (13, 7, 0))),
        ("3.1-2", (1, (3, 1, 2))),
        ("v3.1-2", (1, (3, 1, 2))),
        ("3.1-2-base", (1, (3, 1, 2))),
        ("3.0.0rc1", (0, (3, 0, 0))),
        ("2.10.5+astro.1", (0, (2, 10, 5))),
        ("latest", None),
        ("", None),
        ("3.1-", None),
        ("-1", None),
        ("3..1", None),
        ("٣.١", (0, (3, 1))),
        ("1" * 30, (0, (int("1" * 30),))),
    ],
)
def test_reads_versions(text: str, known: object):
    assert version_of(text) == known


def test_refuses_a_table_that_could_never_apply(monkeypatch, tmp_path):
    table = tmp_path / "barriers.toml"
    table.write_text('[[rule]]\nname = "x"\nlevel = "soft"\nto_runtime = ["<latest"]\n')
    monkeypatch.setattr(barriers, "RULES", table)
    barriers._rules.cache_clear()
    try:
        with pytest.raises(ValueError, match="<latest"):
            barriers_between(Engine(), Engine())
    finally:
        monkeypatch.undo()
        barriers._rules.cache_clear()
