"""An Airflow's DAGs and assets become definitions."""

import hashlib
from typing import Any

import pytest

from assets.definitions import keys
from assets.definitions.normal import FIELDS, normal
from assets.models import AssetSet
from assets.sources.airflow import definitions_of
from deployments.models import Load
from deployments.states import PlatformKind
from portal.common.canonical import canonical_json
from portal.common.packing import squeezed
from tests.assets.sets import changes_of, load, record_known_of
from tests.factories import deploy, make_location
from tests.operations.asking import ONE, TWO

SHA = "0123456789abcdef" * 4


def dag(dag_id: str, **said: Any) -> dict[str, Any]:
    known = {"dag_id": dag_id, "file": f"{dag_id}.py", "schedule": {"summary": None, "description": "Never"}}
    known |= {"tags": [], "owners": ["ann"], "description": None, "tasks": [], "sha256": SHA}
    return known | said


def asset(name: str, **said: Any) -> dict[str, Any]:
    known = {"name": name, "uri": f"s3://lake/{name}", "group": "asset"}
    return known | {"scheduled_dags": [], "producing_tasks": [], "consuming_tasks": []} | said


def test_a_dag_is_a_definition_with_its_tasks_as_metadata():
    tasks = [
        {"task_id": "extract", "operator": "BashOperator", "downstream": ["load", "tell"]},
        {"task_id": "load", "operator": None, "downstream": []},
    ]
    schedule = {"summary": "0 0 * * *", "description": "At 00:00"}
    found, too_long = definitions_of(
        {"dags": [dag("orders", tasks=tasks, schedule=schedule, tags=["gold"])], "assets": []}
    )

    assert too_long == []
    assert found == {
        "dag/orders": {
            "key": ["dag", "orders"],
            "code_version": "0123456789ab",
            "group": None,
            "kinds": ["airflow", "dag"],
            "description": None,
            "owners": ["ann"],
            "tags": {"dagster/kind/airflow": "", "dagster/kind/dag": "", "gold": ""},
            "metadata": {
                "file": {"type": "Text", "value": "orders.py"},
                "schedule": {"type": "Text", "value": "0 0 * * * (At 00:00)"},
                "task/extract": {"type": "Text", "value": "BashOperator, then load, tell"},
                "task/load": {"type": "Text", "value": "task"},
            },
            "deps": [],
            "partitions_def": None,
            "is_stub": False,
        }
    }


def test_assets_stand_between_those_who_make_them_and_those_who_wait():
    made = asset("a/b", scheduled_dags=["report"], producing_tasks=[{"dag_id": "orders", "task_id": "load"}])
    found, _ = definitions_of({"dags": [dag("orders"), dag("report")], "assets": [made]})

    assert [dep["key"] for dep in found["dag/report"]["deps"]] == [["asset", "a/b"]]
    assert found["dag/orders"]["deps"] == []
    entry = found["asset/a\\/b"]
    assert [dep["key"] for dep in entry["deps"]] == [["dag", "orders"]]
    assert (entry["kinds"], entry["group"], entry["code_version"]) == (["airflow", "asset"], "asset", None)
    assert entry["metadata"]["made by"] == {"type": "Text", "value": "orders.load"}
    assert "read by" not in entry["metadata"]


def test_what_was_not_read_of_a_dag_is_not_said():
    found, _ = definitions_of({"dags": [dag("orders", tasks=None, sha256=None)], "assets": []})

    assert found["dag/orders"]["code_version"] is None
    assert set(found["dag/orders"]["metadata"]) == {"file", "schedule"}


def test_is_the_normal_form_of_itself():
    made = asset("orders", scheduled_dags=["report"], producing_tasks=[{"dag_id": "orders", "task_id": "load"}])
    found, _ = definitions_of(
        {"dags": [dag("orders", tags=["gold"], description="All"), dag("report")], "assets": [made]}
    )

    for definition in found.values():
        assert definition.keys() == FIELDS
        assert normal(definition, position=0) == definition


def test_keys_that_are_too_long_are_told():
    found, too_long = definitions_of({"dags": [dag("orders")], "assets": [asset("x" * keys.LONGEST)]})

    assert set(found) == {"dag/orders"}
    assert too_long == ["asset/" + "x" * keys.LONGEST]


@pytest.mark.django_db
def test_what_an_airflow_serves_is_recorded_with_the_deploy():
    location = make_location()
    location.deployment.platform = PlatformKind.AIRFLOW
    location.deployment.save()
    first = deploy(location, ONE)
    serves(load(first), dag("orders"))
    record_known_of(first)
    second = deploy(location, TWO)
    serves(load(second), dag("orders", sha256="f" * 64), dag("refunds"))
    record_known_of(second)

    assert changes_of(first) == {"dag/orders": "ADDED"}
    assert changes_of(second) == {"dag/orders": "CHANGED CODE_VERSION", "dag/refunds": "ADDED"}
    assert AssetSet.objects.filter(deploy=second).exists()


def serves(told: Load, *dags: dict[str, Any]) -> None:
    """Let the load tell of these DAGs."""
    raw = canonical_json({"dags": list(dags), "assets": []})
    digest = hashlib.sha256(raw).hexdigest()
    Load.objects.filter(pk=told.pk).update(raw=squeezed(raw), definitions_digest=digest)
