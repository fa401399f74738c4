"""Blame: code that a rollback left stays out, by its content, until somebody rolls back to it on purpose."""

from datetime import datetime

from deployments.models import Blame, CodeLocation, Deploy, Release
from deployments.states import DeployKind, DeployStatus
from portal.common.problems import Refusal


def on_its_way(location: CodeLocation) -> Deploy | None:
    """Answer the push that runs and is not in place yet: a rollback that comes now overtakes it."""
    running = location.deploys.running().exclude(kind=DeployKind.ROLLBACK).filter(activated_at=None)
    return running.select_related("release").order_by("number").first()


def is_coming(deploy: Deploy) -> bool:
    """Say whether this is a push that runs and is not in place yet."""
    running = deploy.status == DeployStatus.RUNNING and deploy.activated_at is None
    return running and deploy.kind != DeployKind.ROLLBACK


def blame_what_is_left(rollback: Deploy, location: CodeLocation, wanted: Release, *, now: datetime) -> None:
    """Blame what is in place and what is on its way there, unless it is what the rollback wants. Location locked."""
    coming = on_its_way(location)
    for left in (location.served_deploy, coming):
        if left is None or left.release is None or left.release.code_digest == wanted.code_digest:
            continue
        blamed = Blame.objects.filter(code_location=location, code_digest=left.release.code_digest, lifted_at=None)
        if not blamed.exists():
            Blame.objects.create(
                code_location=location, code_digest=left.release.code_digest, blamed_by=rollback, created_at=now
            )


def left_by(rollback: Deploy) -> Deploy | None:
    """Answer the deploy that a rollback left, with its places: the newest with code that it blamed, else what was live."""
    rows = Deploy.objects.with_places().filter(code_location_id=rollback.code_location_id)
    blamed = list(Blame.objects.filter(blamed_by=rollback).values_list("code_digest", flat=True))
    # Without any code to look for, the whole history would be looked through.
    left = rows.filter(number__lt=rollback.number, release__code_digest__in=blamed) if blamed else rows.none()
    return left.order_by("-number").first() or rows.filter(followed_by=rollback).first()


def lift(location: CodeLocation, code_digest: str, *, by_name: str, now: datetime) -> None:
    """Lift the blame of this code: somebody rolled back to it, and it is live."""
    Blame.objects.filter(code_location=location, code_digest=code_digest, lifted_at=None).update(
        lifted_at=now, lifted_by_name=by_name
    )


def take_back(rollback: Deploy, *, by_name: str, now: datetime) -> None:
    """Lift what this rollback blamed: it ended before it put anything in place, so it left nothing."""
    Blame.objects.filter(blamed_by=rollback, lifted_at=None).update(lifted_at=now, lifted_by_name=by_name)


def refuse_blamed(location: CodeLocation, code_digest: str) -> None:
    """Refuse code that a rollback left. Raises Refusal `blocked`."""
    blame = (
        Blame.objects.filter(code_location=location, code_digest=code_digest, lifted_at=None)
        .select_related("blamed_by")
        .first()
    )
    if blame is not None:
        raise Refusal(
            f"This is the code that rollback #{blame.blamed_by.number} left: it stays out of {location}, whatever tag it "
            "carries. Push something else; or, if it was not to blame, roll back to it on purpose, which lifts the block.",
            code="blocked",
        )
