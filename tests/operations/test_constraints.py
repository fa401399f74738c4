"""The database itself refuses …"""

from collections.abc import Callable
from typing import Any

import pytest
from django.apps import apps
from django.db import IntegrityError, models, transaction
from django.utils import timezone

from assets.models import (
    Asset,
    AssetChain,
    AssetChange,
    AssetDependency,
    AssetSet,
    AssetVersion,
    SentSnapshot,
    Validity,
)
from deployments.models import (
    AlertChannel,
    Blame,
    Blob,
    BlobPossession,
    Bundle,
    BundleFile,
    CodeLocation,
    Deploy,
    DeployEvent,
    Deployment,
    GitSource,
    Hold,
    HookDelivery,
    IdempotencyRecord,
    Incident,
    Load,
    Organization,
    Release,
    ReleaseBundle,
    RemoteAgent,
    ServiceAccount,
    Token,
)
from tests.assets.sets import asset, define, push_that_says, record
from tests.factories import deploy, make_location, superuser, upload

pytestmark = [pytest.mark.django_db, pytest.mark.services]

NOW = timezone.now()


def again(row: models.Model, **changed: Any) -> None:
    """Store the row once more, beside itself."""
    row.pk, row._state.adding = None, True
    for name, value in changed.items():
        setattr(row, name, value)
    row.save(force_insert=True)


def first() -> Deploy:
    """Answer the deploy that succeeded."""
    return Deploy.objects.get(number=1)


def beside(**changed: Any) -> None:
    """Store a second deploy like the first, which ended and was not live."""
    again(first(), **({"number": 2, "status": "FAILED", "live_seq": None} | changed))


def twice(model: type[models.Model], **fields: Any) -> None:
    """Store the same twice."""
    for _ in range(2):
        model._default_manager.create(**fields)


def location() -> CodeLocation:
    """Answer the code location."""
    return CodeLocation.objects.get()


def two_running() -> None:
    beside(status="RUNNING", number=2)
    beside(status="RUNNING", number=3)


def two_queued_rollbacks() -> None:
    for number in (2, 3):
        beside(number=number, kind="ROLLBACK".lower(), status="QUEUED", restores=first())


def of_assets(model: type[models.Model]) -> Any:
    """Answer a row of what the deploy is recorded to define."""
    record(first(), define(asset("a", deps=[{"key": ["b"]}])))
    return model._default_manager.get()


def sent_snapshot() -> SentSnapshot:
    """Answer what CI sent with a deploy."""
    push_that_says(location(), {"c.py": b""}, asset("a"))
    return SentSnapshot.objects.get()


def sets_of_two_deploys(**said: Any) -> None:
    """Store what the first deploy is recorded to define a second time, of another one."""
    made = of_assets(AssetSet)
    beside(number=2, status="SUCCEEDED", live_seq=2)
    again(made, **({"deploy": Deploy.objects.get(number=2), "live_seq": 2} | said))


def channel(name: str = "ops") -> AlertChannel:
    """Make an alert channel."""
    return AlertChannel.objects.create(
        deployment=Deployment.objects.get(),
        name=name,
        kind="webhook",
        address="http://localhost/",
        created_by_name="root",
    )


def tell(of: AlertChannel, subject: str) -> None:
    """Write down a notification."""
    of.notifications.create(subject=subject, title="T", body="B", due_at=NOW, created_at=NOW)


def source(place: CodeLocation | None = None, hook: str = "h") -> GitSource:
    """Make a Git source."""
    return GitSource.objects.create(
        code_location=place or location(), url="https://localhost/x", hook=hook, set_by_name="root"
    )


def failing(**said: Any) -> None:
    """Store an incident that lasts, unless something else is said."""
    load = Load.objects.create(code_location=location(), reported_at=NOW, ok=False)
    Incident.objects.create(code_location=location(), began_with=load, opened_at=NOW, **said)


ILLEGAL: dict[str, Callable[[], Any]] = {
    "one_service_account_of_a_name_per_organization": lambda: [
        ServiceAccount.objects.create(
            user=user, organization=Organization.objects.get(), name="ci", created_by_name="root"
        )
        for user in (superuser(), type(superuser()).objects.create(username="another"))
    ],
    "a_token_is_limited_to_one_place_at_most": lambda: Token.objects.create(
        user=superuser(), expiry=None, organization=Organization.objects.get(), deployment=Deployment.objects.get()
    ),
    "one_answer_per_idempotency_key": lambda: twice(
        IdempotencyRecord, user=superuser(), key_mac="k", request_mac="r", created_at=NOW, status=202
    ),
    "a_stored_blob_has_a_size": lambda: Blob.objects.update(size=None),
    "possessed_once_per_organization": lambda: again(BlobPossession.objects.first()),
    "one_bundle_of_a_digest_per_organization": lambda: again(Bundle.objects.get()),
    "one_file_of_a_path_per_bundle": lambda: again(BundleFile.objects.first()),
    "one_deployment_of_a_name_per_organization": lambda: again(Deployment.objects.get()),
    "one_deployment_per_target_root": lambda: [
        Deployment.objects.create(organization=Organization.objects.get(), slug=slug, target_root="/srv/releases")
        for slug in ("staging", "testing")
    ],
    "retention_is_a_day_to_a_century": lambda: Deployment.objects.update(retention_days=0),
    "one_code_location_of_a_name_per_deployment": lambda: again(location()),
    "one_release_of_a_digest_per_code_location": lambda: again(Release.objects.get()),
    "one_bundle_per_mount": lambda: again(ReleaseBundle.objects.get()),
    "one_deploy_of_a_number_per_code_location": lambda: beside(number=1),
    "one_running_deploy_per_code_location": two_running,
    "one_queued_rollback_per_code_location": two_queued_rollbacks,
    "one_deploy_went_live_at_a_time": lambda: beside(status="SUCCEEDED", live_seq=1),
    "a_running_deploy_has_a_release": lambda: beside(status="RUNNING", release=None),
    "what_succeeded_went_live": lambda: beside(status="SUCCEEDED"),
    "only_what_succeeded_went_live": lambda: beside(live_seq=2),
    "a_rollback_restores_a_deploy": lambda: beside(kind="rollback"),
    "what_ended_has_an_end": lambda: beside(finished_at=None),
    "one_event_of_a_seq_per_deploy": lambda: again(DeployEvent.objects.first()),
    "one_hold_per_code_location": lambda: twice(
        Hold, code_location=location(), reason="Why.", created_at=NOW, created_by_name="root"
    ),
    "blamed_once": lambda: twice(
        Blame, code_location=location(), code_digest="0" * 64, blamed_by=first(), created_at=NOW
    ),
    "one_alert_channel_of_a_name_per_deployment": lambda: [channel(), channel()],
    "one_open_incident_per_code_location": lambda: [failing(), failing()],
    "told_once_per_channel": lambda: [tell(each, "deploy:1:failed") for each in [channel()] * 2],
    "one_agent_of_a_name_per_deployment": lambda: twice(
        RemoteAgent, deployment=Deployment.objects.get(), name="a", version="3.1-2", reported_at=NOW
    ),
    "one_delivery_of_a_name_per_source": lambda: twice(HookDelivery, source=source(), name="1", taken_at=NOW),
    "a second git source of a code location": lambda: [source(), source(hook="i")],
    "a second git source with a hook": lambda: [source(), source(make_location(location().deployment, "other"))],
    "one_chain_of_a_world": lambda: again(of_assets(AssetChain)),
    "one_asset_of_a_key": lambda: again(of_assets(Asset)),
    "one_version_of_a_number_per_asset": lambda: again(of_assets(AssetVersion)),
    "a_version_was_seen": lambda: again(of_assets(AssetVersion), number=2, sent="", read=""),
    "one_version_at_a_time": lambda: again(of_assets(Validity)),
    "it_held_for_a_while": lambda: again(of_assets(Validity), since=7, until=7),
    "one_set_at_a_time": lambda: sets_of_two_deploys(live_seq=1),
    "one_set_per_deploy": lambda: sets_of_two_deploys(deploy=first()),
    "one_change_of_an_asset_per_deploy": lambda: again(of_assets(AssetChange)),
    "a_change_has_a_side": lambda: again(of_assets(AssetChange), live_seq=2, before=None, after=None),
    "one_edge_between_two_assets": lambda: again(of_assets(AssetDependency)),
    "one_snapshot_of_a_world_per_deploy": lambda: again(sent_snapshot()),
    "a second organization of a slug": lambda: Organization.objects.create(slug="acme"),
    "a second blob of a sha256": lambda: again(Blob.objects.first()),
}


@pytest.mark.parametrize("name", ILLEGAL)
def test_rows_that_break(name: str):
    deploy(make_location())

    with pytest.raises(IntegrityError) as refused, transaction.atomic():
        ILLEGAL[name]()

    assert " " in name or name in str(refused.value) or "UNIQUE constraint failed" in str(refused.value)


def test_nothing_of_what_is_legal_beside_it():
    place = make_location()
    deploy(place)
    upload(place.deployment.organization, {"b.py": b""})
    beside(number=2, status="RUNNING")
    beside(number=3, kind="rollback", status="QUEUED", restores=first())
    beside(number=4, status="QUEUED")
    beside(number=5, status="SUCCEEDED", live_seq=2)
    Hold.objects.create(code_location=place, reason="Old.", created_at=NOW, created_by_name="root", released_at=NOW)
    Hold.objects.create(code_location=place, reason="New.", created_at=NOW, created_by_name="root")
    Blame.objects.create(code_location=place, code_digest="0", blamed_by=first(), created_at=NOW, lifted_at=NOW)
    Blame.objects.create(code_location=place, code_digest="0", blamed_by=first(), created_at=NOW)

    failing(closed_at=NOW)
    failing()
    for each in (channel(), channel("others")):
        tell(each, "deploy:1:failed")
        tell(each, "deploy:2:failed")

    for each in (source(), source(make_location(place.deployment, "other"), "i")):
        each.deliveries.create(name="1", taken_at=NOW)

    assert place.deploys.count() == 5


def test_nothing_of_what_is_legal_beside_it_of_assets():
    deploy(make_location())
    sets_of_two_deploys()
    again(Validity.objects.get(), since=7, until=8)
    again(AssetVersion.objects.get(), number=2, sent="", read="{}")
    again(AssetChange.objects.get(), live_seq=2, before=AssetVersion.objects.first(), after=None)
    again(AssetDependency.objects.get(), upstream_key="c")
    again(AssetChain.objects.get(), world="DBT")

    assert AssetSet.objects.count() == 2


def test_rows_by_rules_that_are_all_tried_here():
    rules = {
        rule.name
        for app in ("deployments", "assets")
        for model in apps.get_app_config(app).get_models()
        for rule in model._meta.constraints
    }

    assert rules == {name for name in ILLEGAL if " " not in name}
