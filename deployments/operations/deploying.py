"""Pushing something new; and canceling, trying again, describing."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Max

from deployments import blaming, composition, configuration, drivers, events, tasks
from deployments.access import Right, name_of, require, right_over
from deployments.bundles import store
from deployments.bundles.manifest import check_mounts
from deployments.endings import ended
from deployments.locking import lock, raise_fence
from deployments.models import Bundle, CodeLocation, Deploy, Hold
from deployments.operations.numbering import add_deploy
from deployments.states import UNFINISHED, DeployKind, DeployStatus, EventLevel, RollbackScope, kind_of_parts
from portal.common.problems import Invalid, Refusal


class DeployRefused(Refusal):
    """A push that is not taken: its code says why."""


@dataclass(frozen=True)
class Push:
    """What is asked for. `parts`: {image?, bundles? {mount: digest or None}, runtime_version?, settings? as sent}."""

    parts: dict[str, Any]
    description: str = ""
    git: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    source_position: int | None = None
    expected_live: int | None = None
    # What the deploy is called when its parts do not tell: one that was fetched from Git.
    kind: DeployKind | None = None


def create_deploy(
    *, location: CodeLocation, push: Push, actor: User, now: datetime, retry_of: Deploy | None = None
) -> Deploy:
    """Store a push; queue it, or hold it while the location is held. Raises NotAllowed, Invalid, DeployRefused."""
    require(actor, Right.DEPLOY, location.deployment)
    return store_push(location=location, push=push, actor=actor, now=now, retry_of=retry_of)


def store_push(
    *, location: CodeLocation, push: Push, actor: User | None, now: datetime, retry_of: Deploy | None = None
) -> Deploy:
    """Store a push of somebody who may deploy; None: of the portal, from a Git source. Raises Invalid, DeployRefused."""
    mounts = push.parts.get("bundles", {})
    for mount in mounts:
        check_mounts([mount])
    parts = dict(push.parts)
    if parts.get("settings") and retry_of is None:
        # Of a deploy that is tried again they are as they were stored.
        parts["settings"] = configuration.read(parts["settings"], organization_id=location.deployment.organization_id)
    _refuse_nothing_to_put(location, parts)
    with transaction.atomic():
        location = lock(location.pk)
        bundles = _usable_bundles(location, mounts, now)
        _refuse_out_of_order(location, push)
        pushed = {name: {"value": value, "from": 0} for name, value in composition.values_by_name(parts).items()}
        preview = composition.compose(composition.base_of(location), pushed, bundles=bundles)
        check_mounts(list(preview.bundles))
        configuration.refuse_too_many(preview.settings)
        blaming.refuse_blamed(location, preview.code_digest)
        composition.refuse_dags_alone(location, pushed, preview)
        held = Hold.objects.filter(code_location=location, released_at=None).first()
        deploy = add_deploy(
            location,
            actor=actor,
            now=now,
            kind=push.kind or kind_of_parts(parts),
            status=DeployStatus.HELD if held else DeployStatus.QUEUED,
            description=push.description,
            parts=parts,
            git=push.git,
            metadata=push.metadata,
            source_position=push.source_position,
            retry_of=retry_of,
        )
        deploy.bundles.set(bundles.values())
        _supersede_older(deploy, now)
        if held:
            events.record_step(deploy, "HOLD", f"Stored and held: {held.reason}", at=now)
        else:
            events.record_step(deploy, "QUEUE", "Accepted.", at=now)
            tasks.enqueue(deploy)
    return deploy


def cancel(*, deploy: Deploy, actor: User, now: datetime) -> Deploy:
    """Stop a deploy that is not in place yet. Raises NotAllowed, DeployRefused `already_placed` or `already_finished`."""
    require(actor, right_over(deploy), deploy.code_location.deployment)
    with transaction.atomic():
        location = lock(deploy.code_location_id)
        current = Deploy.objects.get(pk=deploy.pk)
        if current.is_finished:
            raise DeployRefused(
                f"#{current.number} has ended already: {current.get_status_display()}.",
                code="already_finished",
            )
        if current.activated_at is not None:
            raise DeployRefused(f"#{current.number} is in place already: roll back instead.", code="already_placed")
        running = current.status == DeployStatus.RUNNING
        Deploy.objects.filter(pk=current.pk, status=current.status).update(
            status=DeployStatus.CANCELED,
            finished_at=now,
            lease_owner="",
            lease_expires_at=None,
            next_check_at=None,
            error={"code": "canceled", "detail": f"Canceled by {name_of(actor)}."},
        )
        ended(current, now=now)
        events.record_step(current, "OUTCOME", f"Canceled by {name_of(actor)}.", at=now, level=EventLevel.WARNING)
        blaming.take_back(current, by_name=name_of(actor), now=now)
        if running:
            raise_fence(location)
            location.wanted_deploy = location.placed_deploy
            location.save(update_fields=["wanted_deploy"])
            # The worker may be about to swap: the target must learn of the new fence, and we what it holds.
            tasks.enqueue_settling(location.pk)
        follower = location.deploys.queued().order_by("number").first()
        if follower is not None:
            tasks.enqueue(follower)
    deploy.refresh_from_db()
    return deploy


def retry(*, deploy: Deploy, actor: User, now: datetime) -> Deploy:
    """Ask for the same once more, as a new row that names the old. Raises NotAllowed, Invalid, DeployRefused."""
    from deployments.operations.rolling_back import request_rollback

    location = deploy.code_location
    require(actor, right_over(deploy), location.deployment)
    if deploy.status in UNFINISHED:
        raise DeployRefused(f"#{deploy.number} has not ended yet: {deploy.get_status_display()}.", code="not_finished")
    if deploy.status == DeployStatus.SUCCEEDED:
        raise DeployRefused(f"#{deploy.number} succeeded: to bring it back, roll back to it.", code="already_succeeded")
    if deploy.is_rollback and deploy.restores is not None:
        return request_rollback(
            location=location,
            to=deploy.restores.number,
            description=deploy.description,
            actor=actor,
            now=now,
            scope=deploy.scope or RollbackScope.ALL,
            acknowledged=deploy.acknowledged,
            retry_of=deploy,
        )
    newer = location.deploys.went_live().filter(number__gt=deploy.number).first()
    if newer is not None:
        raise DeployRefused(
            f"#{newer.number} went live since: push again, instead of retrying what is older.",
            code="outdated",
        )
    brings = set(composition.parts_by_name(deploy))
    for waiting in location.deploys.pushes().filter(number__gt=deploy.number, status__in=UNFINISHED):
        if brings & set(composition.parts_by_name(waiting)):
            raise DeployRefused(
                f"#{waiting.number} came later, brings the same parts, and is {waiting.get_status_display().lower()}: "
                "cancel it first, if the older one is to go live.",
                code="outdated",
            )
    # With what it carried for others, which ended when it took their parts along.
    parts = composition.parts_of(composition.parts_by_name(deploy))
    if configuration.is_forgotten(parts.get("settings")):
        raise DeployRefused(
            f"The settings that #{deploy.number} brought are purged: push them again.", code="artifact_gone"
        )
    push = Push(
        parts=parts,
        description=deploy.description,
        git=deploy.git,
        metadata=deploy.metadata,
        kind=DeployKind.GIT if deploy.kind == DeployKind.GIT else None,
    )
    return create_deploy(location=location, push=push, actor=actor, now=now, retry_of=deploy)


def describe(*, deploy: Deploy, description: str, actor: User) -> Deploy:
    """Change a deploy's description, the one thing of history that is anybody's to edit. Raises NotAllowed."""
    require(actor, right_over(deploy), deploy.code_location.deployment)
    Deploy.objects.filter(pk=deploy.pk).update(description=description)
    deploy.description = description
    return deploy


def _refuse_nothing_to_put(location: CodeLocation, parts: dict[str, Any]) -> None:
    if not composition.values_by_name(parts):
        raise Invalid(
            "Nothing to deploy: name an image, bundles, a runtime version or settings.", code="nothing_to_put"
        )
    puts = drivers.puts_of(location)
    if not any(parts.get(part) for part in puts):
        words = " and ".join(sorted(puts))
        raise Invalid(
            f"The target of {location} puts {words} in place, and this push has none: it would be recorded and change nothing.",
            code="nothing_to_put",
        )


def _usable_bundles(location: CodeLocation, mounts: dict[str, str | None], now: datetime) -> dict[str, Bundle]:
    """Answer the pushed bundles by digest, locked against being forgotten. Raises Invalid, DeployRefused."""
    wanted = {digest for digest in mounts.values() if digest is not None}
    organization = location.deployment.organization
    found = {
        bundle.digest: bundle
        for bundle in Bundle.objects.select_for_update()
        .filter(organization=organization, digest__in=wanted)
        .order_by("pk")
    }
    for mount, digest in mounts.items():
        if digest is None:
            continue
        if digest not in found or found[digest].purged_at:
            raise Invalid(
                f"{organization} has no bundle {digest[:80]} for {mount}: post its manifest to /bundles/ first.",
                code="unknown_bundle",
            )
        if not store.complete(found[digest], now=now):
            raise DeployRefused(
                f"Bundle {digest[:12]} for {mount} is not complete: upload what POST /bundles/ reports as missing.",
                code="incomplete_bundle",
            )
    Bundle.objects.filter(pk__in=[bundle.pk for bundle in found.values()]).update(touched_at=now)
    return found


def _refuse_out_of_order(location: CodeLocation, push: Push) -> None:
    live = location.live_deploy.number if location.live_deploy else 0
    if push.expected_live is not None and push.expected_live != live:
        raise DeployRefused(
            f"#{live} is live in {location}, not #{push.expected_live}: look at what changed, then push again.",
            code="outdated",
        )
    if push.source_position is None:
        return
    newest = location.deploys.pushes().exclude(status=DeployStatus.CANCELED).aggregate(at=Max("source_position"))["at"]
    if newest is not None and push.source_position < newest:
        raise DeployRefused(
            f"This push is older (position {push.source_position}) than one that came before it (position {newest}): "
            "it does not replace it.",
            code="outdated",
        )


def _supersede_older(deploy: Deploy, now: datetime) -> None:
    """End the waiting pushes of which this one includes every part."""
    brings = set(composition.parts_by_name(deploy))
    waiting = (
        Deploy.objects.filter(code_location=deploy.code_location, status=deploy.status).pushes().exclude(pk=deploy.pk)
    )
    for older in waiting.order_by("number"):
        if set(composition.parts_by_name(older)) <= brings:
            supersede(
                older,
                by=deploy,
                now=now,
                detail=f"#{deploy.number} brings newer versions of all that this one brought.",
            )


def supersede(older: Deploy, *, by: Deploy, now: datetime, detail: str) -> None:
    """End a waiting push whose place another one takes."""
    moved = Deploy.objects.filter(pk=older.pk, status=older.status).update(
        status=DeployStatus.SUPERSEDED,
        superseded_by=by,
        finished_at=now,
        error={"code": "superseded", "detail": detail},
    )
    if moved:
        ended(older, now=now)
        events.record_step(older, "OUTCOME", detail, at=now)
