"""A snapshot that is sent with a deploy, or for one …"""

import json
from typing import Any

import pytest
from django.utils import timezone

from assets.models import AssetChange, AssetSet, SentSnapshot
from assets.states import Source
from deployments.access import Role
from deployments.models import Deploy
from deployments.states import DeployStatus
from tests.api.asking import Api, answered, refused
from tests.assets.sets import asset, changes_of, define, everything, go_live, present, record, record_known_of
from tests.factories import carry_out, make_location, make_member
from tests.operations.asking import ONE, TWO, hold

pytestmark = [pytest.mark.django_db, pytest.mark.services]

MANIFEST = "https://schemas.getdbt.com/dbt/manifest/v12.json"


@pytest.fixture
def location():
    """Answer acme/production/shop."""
    return make_location()


@pytest.fixture
def ci(location) -> Api:
    """Answer the client of somebody who may deploy there."""
    return Api(make_member(Role.DEPLOYER, location.deployment))


def snapshot(*entries: dict[str, Any], **said: Any) -> dict[str, Any]:
    """Answer a snapshot of these entries."""
    return {"format": "lastgood.assets/1", "assets": list(entries), **said}


def put(api: Api, number: int, body: Any, key: str | None = None) -> Any:
    """Send a snapshot for a deploy."""
    return api.ask("PUT", f"deploys/{number}/assets/", body, headers={"Idempotency-Key": key} if key else {})


def test_with_a_push_waits_until_it_is_live(location, ci):
    pushed = answered(ci.push(ONE, assets=snapshot(asset("a"), asset("b"))), 202)
    assert (pushed["number"], pushed["assets"]) == (1, None)
    assert not AssetSet.objects.exists()

    live = carry_out(Deploy.objects.get())
    record_known_of(live)

    assert answered(ci.get("deploys/1/"), 200)["assets"] == {"added": 2, "removed": 0, "changed": 0}
    assert present(location) == ["a", "b"]


def test_with_a_push_that_is_held_waits_with_it(location, ci):
    hold(location)

    answered(ci.push(ONE, assets=snapshot(asset("a"))), 201)

    assert SentSnapshot.objects.get().asset_count == 1


@pytest.mark.parametrize("said", [{}, {"assets": None}])
def test_need_not_be(location, ci, said):
    answered(ci.push(ONE, **said), 202)

    assert not SentSnapshot.objects.exists()


def test_may_be_an_empty_one(location, ci):
    go_live(location)

    body = answered(put(ci, 1, snapshot()), 200)

    assert body["recorded"]["assets"] == 0
    assert AssetSet.objects.get().asset_count == 0


def test_with_a_push_once_more_is_one_push(location, ci):
    first = answered(ci.push(ONE, assets=snapshot(asset("a")), key="k"), 202)
    again = answered(ci.push(ONE, assets=snapshot(asset("a")), key="k"), 202)
    refused(ci.push(ONE, assets=snapshot(asset("b")), key="k"), 409, "idempotency_mismatch")

    assert first == again
    assert (Deploy.objects.count(), SentSnapshot.objects.count()) == (1, 1)


def test_for_what_is_live_is_recorded_at_once(location, ci):
    record(go_live(location), define(asset("a")))
    second = go_live(location)

    body = answered(put(ci, 2, snapshot(asset("a", code_version="2"), asset("b"))), 200)

    assert body["kept_until_live"] is False
    assert {name: body["recorded"][name] for name in ("world", "source", "assets", "added", "changed")} == {
        "world": "ASSETS",
        "source": "SNAPSHOT",
        "assets": 2,
        "added": 1,
        "changed": 1,
    }
    assert body["recorded"]["compared_with"] == 1
    assert changes_of(second) == {"a": "CHANGED CODE_VERSION", "b": "ADDED"}


def test_for_what_waits_is_kept_and_may_come_twice(location, ci):
    answered(ci.push(ONE), 202)

    for _ in range(2):
        body = answered(put(ci, 1, snapshot(asset("a"))), 200)
        assert body == {"recorded": None, "kept_until_live": True}
    refused(put(ci, 1, snapshot(asset("b"))), 409, "already_sent")

    live = carry_out(Deploy.objects.get())
    record_known_of(live)
    assert changes_of(live) == {"a": "ADDED"}


@pytest.mark.parametrize("status", [DeployStatus.FAILED, DeployStatus.CANCELED, DeployStatus.SUPERSEDED])
def test_for_what_did_not_go_live_is_refused(location, ci, status):
    answered(ci.push(ONE), 202)
    Deploy.objects.update(status=status, finished_at=timezone.now())

    refused(put(ci, 1, snapshot(asset("a"))), 409, "not_live")

    assert not SentSnapshot.objects.exists()


def test_for_what_has_one_is_the_same_or_is_refused(location, ci):
    go_live(location)
    first = answered(put(ci, 1, snapshot(asset("a"))), 200)
    before = everything()

    assert answered(put(ci, 1, snapshot(asset("a"))), 200) == first
    refused(put(ci, 1, snapshot(asset("b"))), 409, "already_recorded")

    assert everything() == before


def test_for_what_the_platform_was_read_of_takes_its_place(location, ci):
    live = go_live(location)
    record(live, define(asset("a"), asset("b")), source=Source.PLATFORM)

    answered(put(ci, 1, snapshot(asset("a"))), 200)

    assert changes_of(live) == {"a": "ADDED"}
    assert AssetSet.objects.get().source == Source.SNAPSHOT


def test_with_the_same_idempotency_key_is_answered_again(location, ci):
    go_live(location)

    first = put(ci, 1, snapshot(asset("a")), key="k")
    again = put(ci, 1, snapshot(asset("a")), key="k")
    refused(put(ci, 1, snapshot(asset("b")), key="k"), 409, "idempotency_mismatch")

    assert answered(again, 200) == answered(first, 200)
    assert again["Idempotency-Replayed"] == "true"
    assert AssetSet.objects.count() == 1


def test_of_a_dbt_manifest_is_one_of_another_world(location, ci):
    live = go_live(location)
    answered(put(ci, 1, snapshot(asset("a"))), 200)
    node = {"unique_id": "model.shop.orders", "resource_type": "model", "raw_code": "select 1"}
    manifest = {"metadata": {"dbt_schema_version": MANIFEST}, "nodes": {"model.shop.orders": node}}

    body = answered(put(ci, 1, manifest), 200)

    assert (body["recorded"]["world"], body["recorded"]["source"]) == ("DBT", "DBT")
    assert changes_of(live) == {"a": "ADDED", "model.shop.orders": "ADDED"}


def test_with_a_key_of_another_source_is_refused(location, ci):
    go_live(location)
    answered(put(ci, 1, snapshot(asset("a"))), 200)
    before = everything()

    refused(put(ci, 1, snapshot(asset("a"), source="dbt")), 409, "key_of_another_source")

    assert everything() == before


def test_is_for_those_to_send_who_may_deploy(location):
    go_live(location)
    viewer = Api(make_member(Role.VIEWER, location.deployment))

    # Before anything of it is read.
    refused(put(viewer, 1, b"nonsense"), 403, "not_allowed")
    refused(viewer.post("deploys/", b"nonsense"), 403, "not_allowed")


def test_of_strange_but_legal_metadata_is_kept_as_it_is(location, ci):
    go_live(location)
    metadata = {
        "NUL": {"type": "Text", "value": "a\0b"},
        "label\0": {"type": "Text", "value": "\x7f\u202e"},
        "huge": {"type": "Int", "value": 10**400},
        "tiny": {"type": "Float", "value": 5e-324},
        "emoji 🦆": {"type": "🦆", "value": "🏳️‍🌈"},
        "nested": {"type": "Json", "value": {"a": [1, None, {"b": [[], {}, "", False]}]}},
        "not of NFC": {"type": "Text", "value": "e\u0301"},
        "": {"type": "", "value": ""},
    }
    plain = {"plain": 3, "null": None, "list": [1], "three": {"type": "Int", "value": 1, "more": 2}}
    said = asset(
        "a", metadata=metadata | plain, description="a\0b", group="g\0h", tags={"t\0": "\0"}, future={"x": [1]}
    )

    answered(put(ci, 1, json.dumps(snapshot(said)).encode()), 200)

    kept = answered(ci.get("assets/detail/", key="a"), 200)["definition"]
    assert kept["metadata"] == metadata | {name: {"type": None, "value": value} for name, value in plain.items()}
    assert (kept["description"], kept["group"], kept["tags"], kept["future"]) == (
        "a\0b",
        "g\0h",
        {"t\0": "\0"},
        {"x": [1]},
    )


def test_may_be_larger_than_any_other_body(location, ci, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 2000
    go_live(location)

    answered(put(ci, 1, snapshot(asset("a", description="x" * 5000))), 200)
    digest = ci.upload(TWO)
    answered(
        ci.post("deploys/", {"bundles": {"dags": digest}, "assets": snapshot(asset("a", description="y" * 5000))}), 202
    )
    refused(ci.post("deploys/", {"bundles": {"dags": digest}, "description": "y" * 5000}), 413, "body_too_large")

    assert AssetChange.objects.count() == 1
