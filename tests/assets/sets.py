"""Small functions that make definitions and record them."""

import hashlib
from typing import Any

from django.utils import timezone

from assets import operations, recording
from assets.definitions.normal import Definition, normal
from assets.definitions.reading import Snapshot
from assets.models import Asset, AssetChange, AssetDependency, AssetSet, AssetVersion, SentSnapshot, Validity
from assets.states import Source
from deployments.models import CodeLocation, Deploy, Load
from deployments.operations import Push
from portal.common.canonical import canonical_json
from portal.common.packing import squeezed
from tests.factories import deploy as deploy_files
from tests.factories import superuser, upload

ROWS_OF_ASSETS = (Asset, AssetVersion, Validity, AssetChange, AssetDependency)
EVERYTHING = (*ROWS_OF_ASSETS, AssetSet, SentSnapshot, Deploy)


def define(*entries: dict[str, Any]) -> dict[str, Definition]:
    """Answer definitions of these entries, by key."""
    definitions = [normal(entry, position=position) for position, entry in enumerate(entries)]
    return {"/".join(definition["key"]): definition for definition in definitions}


def asset(key: str, **said: Any) -> dict[str, Any]:
    """Answer an entry of a snapshot."""
    return {"key": key.split("/"), "code_version": "1", **said}


def go_live(location: CodeLocation, number: int | None = None) -> Deploy:
    """Deploy a file tree of its own, so that each deploy is of other code."""
    content = str(number or location.deploys.count()).encode()
    return deploy_files(location, {"definitions.py": content})


def row_of_history(location: CodeLocation, **fields: Any) -> Deploy:
    """Write the row of a deploy that went live, and nothing else: carrying out is not what is looked at."""
    place = CodeLocation.objects.get(pk=location.pk)
    said = {"number": place.next_number, "live_seq": place.next_live_seq, "kind": "dags", "status": "SUCCEEDED"}
    said |= {"actor_name": "ci", "actor_kind": "service_account", "created_at": timezone.now()}
    made = Deploy.objects.create(code_location=location, finished_at=timezone.now(), **(said | fields))
    place.next_number, place.next_live_seq = place.next_number + 1, place.next_live_seq + 1
    place.save(update_fields=["next_number", "next_live_seq"])
    return made


def record(
    deploy: Deploy,
    definitions: dict[str, Definition],
    *,
    source: Source = Source.SNAPSHOT,
    restored: AssetSet | None = None,
    **said: Any,
) -> AssetSet:
    """Record these definitions for the deploy."""
    seen = recording.observe(source, definitions, **said)
    return recording.record(Deploy.objects.get(pk=deploy.pk), seen, now=timezone.now(), restored=restored)


def changes_of(deploy: Deploy) -> dict[str, str]:
    """Answer what the deploy changed: by key, the kind and the change types."""
    rows = AssetChange.objects.filter(deploy=deploy).select_related("asset")
    return {row.asset.key: f"{row.kind}{row.change_types}".strip() for row in rows}


def set_at(deploy: Deploy) -> dict[str, int]:
    """Answer the version numbers in force when the deploy was live."""
    rows = Validity.objects.filter(chain__code_location=deploy.code_location, since__lte=deploy.live_seq)
    rows = rows.exclude(until__lte=deploy.live_seq).select_related("asset", "version")
    return {row.asset.key: row.version.number for row in rows}


def present(location: CodeLocation) -> list[str]:
    """Answer the keys that are there now."""
    return sorted(Asset.objects.filter(code_location=location, current__isnull=False).values_list("key", flat=True))


def push_that_says(
    location: CodeLocation, files: dict[str, bytes], *entries: dict[str, Any], source: str = "snapshot", **said: Any
) -> Deploy:
    """Push a file tree with the snapshot of what it defines, without carrying it out."""
    digest = upload(location.deployment.organization, files)
    return operations.create_deploy(
        location=location,
        push=Push(parts={"bundles": {said.pop("mount", "dags"): digest}}, **said),
        snapshot=Snapshot(define(*entries), source),
        actor=superuser(),
        now=timezone.now(),
    )


def form(key: str, **said: Any) -> dict[str, Any]:
    """Answer an asset as the reader of a Dagster tells it."""
    known = {"key": key.split("/"), "repository": "__repository__", "code_version": "1", "group": None}
    known |= {"description": None, "kinds": [], "owners": [], "tags": {}, "metadata": {}, "deps": []}
    known |= {"partitions_def": None, "is_stub": False, "is_materializable": True, "is_observable": False}
    return known | said


def load(deploy: Deploy, *forms: dict[str, Any], ok: bool = True) -> Load:
    """Write down that a platform served this for the deploy."""
    raw = canonical_json({"assets": forms})
    return Load.objects.create(
        code_location=deploy.code_location,
        deploy=deploy,
        reported_at=timezone.now(),
        ok=ok,
        definitions_digest=hashlib.sha256(raw).hexdigest(),
        raw=squeezed(raw),
    )


def record_known_of(deploy: Deploy) -> None:
    """Record whatever is known of the deploy."""
    recording.record_deploy(deploy.pk, now=timezone.now())


def everything(*models: Any) -> list[Any]:
    """Answer all rows of these models, or all that recording may write."""
    return [list(model._default_manager.order_by("pk").values()) for model in models or EVERYTHING]


def rows_of(location: CodeLocation, model: Any) -> Any:
    """Answer the rows of this model that belong to a chain of the location."""
    return model.objects.filter(chain__code_location=location)
