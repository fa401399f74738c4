"""Runs of similar entries, kept when an entry is written or ends: nothing is counted when history is read.

Similar: same release, commit, status, kind group and displayed metadata.
"""

from datetime import datetime
from typing import Any

from deployments import configuration
from deployments.models import Deploy, Load, LoadRun
from deployments.states import FINISHED, DeployKind, DeployStatus
from portal.common.canonical import digest_of


def settle_deploy(deploy_id: int) -> None:
    """Remember whether a deploy that has just ended is like its neighbours in number. Its location must be locked."""
    deploy = Deploy.objects.select_related("release").get(pk=deploy_id)
    around = Deploy.objects.filter(code_location_id=deploy.code_location_id).select_related("release")
    found = {each.number: each for each in around.filter(number__in=[deploy.number - 1, deploy.number + 1])}
    older, newer = found.get(deploy.number - 1), found.get(deploy.number + 1)
    if older is not None:
        _join(older, deploy)
    if newer is not None:
        _join(deploy, newer)


def _join(older: Deploy, newer: Deploy) -> None:
    """Write on both whether they belong together."""
    alike = older.status in FINISHED and newer.status in FINISHED and _of_deploy(older) == _of_deploy(newer)
    Deploy.objects.filter(pk=older.pk).exclude(continued=alike).update(continued=alike)
    Deploy.objects.filter(pk=newer.pk).exclude(continues=alike).update(continues=alike)


def add_load(load: Load, *, now: datetime) -> LoadRun:
    """Put a load that has just been written into the newest run, or begin a new one. Its location must be locked."""
    likeness = _of_load(load)
    run = LoadRun.objects.filter(code_location_id=load.code_location_id).order_by("-pk").first()
    if run is None or run.likeness != likeness:
        run = LoadRun(
            code_location_id=load.code_location_id, likeness=likeness, count=0, first_at=load.reported_at, last_at=now
        )
    run.count += 1
    run.last_at = load.reported_at
    run.newest = load
    run.save()
    load.run = run
    load.save(update_fields=["run"])
    return run


def settle_likeness(load: Load) -> None:
    """Let the load's run be known by what the load is known by now: it was read after it had been written."""
    run = LoadRun.objects.filter(newest=load).first()
    if run is None:
        return
    run.likeness = _of_load(load)
    before = LoadRun.objects.filter(code_location_id=load.code_location_id, pk__lt=run.pk).order_by("-pk").first()
    if before is None or before.likeness != run.likeness:
        run.save(update_fields=["likeness"])
        return
    # It turned out to be the same once more.
    Load.objects.filter(run=run).update(run=before)
    load.run = before
    before.count, before.last_at, before.newest = before.count + run.count, run.last_at, load
    before.save(update_fields=["count", "last_at", "newest"])
    run.delete()


def touch(load: Load, *, now: datetime) -> None:
    """Remember that the newest load was seen once more, without being another one."""
    LoadRun.objects.filter(loads=load).update(last_at=now)


def _of_deploy(deploy: Deploy) -> str:
    error = deploy.error or {}
    return digest_of(
        {
            "release": deploy.release.digest if deploy.release else _asked(deploy),
            "commit": deploy.git.get("commit", ""),
            "status": deploy.status,
            "kind": _group(deploy),
            "metadata": deploy.metadata,
            # Two failures of the same release are alike only if they failed alike.
            "error": "" if deploy.status == DeployStatus.SUCCEEDED else [error.get("code"), error.get("detail")],
        }
    )


def _asked(deploy: Deploy) -> dict[str, Any]:
    """Answer what was pushed; of a secret its fingerprint, which is the same each time that it is pushed."""
    settings = deploy.parts.get("settings")
    return {**deploy.parts, "settings": configuration.shown(settings)} if settings else deploy.parts


def _of_load(load: Load) -> str:
    deploy = load.deploy
    return digest_of(
        {
            "seen": load.likeness,
            "ok": load.ok,
            "release": deploy.release.digest if deploy and deploy.release else "",
            "commit": deploy.git.get("commit", "") if deploy else "",
            "kind": _group(deploy) if deploy else "",
        }
    )


def _group(deploy: Deploy) -> str:
    if deploy.kind in {DeployKind.ROLLBACK, DeployKind.OBSERVED}:
        return deploy.kind
    return "push"
