"""What the schedule starts that is nobody's in particular: each one call."""

import logging

from celery import shared_task
from django.utils import timezone

from assets import recording
from deployments import execution, operations, retention
from deployments.api.idempotency import forget_old_answers
from deployments.bundles import collecting

logger = logging.getLogger(__name__)


@shared_task
def record_assets(*, deploy_id: int) -> None:
    """Record what a deploy that went live defines."""
    recording.record_deploy(deploy_id, now=timezone.now())


@shared_task(acks_late=False)  # the next one comes anyway
def record_due_assets() -> None:
    """Record what is left: of deploys whose word was lost, of platforms that were read by others."""
    for deploy_id in recording.due_deploys():
        try:
            recording.record_deploy(deploy_id, now=timezone.now())
        except Exception:
            # The others are recorded all the same; this one comes again.
            logger.exception("What deploy %s defines could not be recorded.", deploy_id)


@shared_task(acks_late=False)  # the next one comes anyway
def purge() -> None:
    """Let artifacts go that no rule keeps, once a day."""
    report = retention.purge(now=timezone.now())
    logger.info("Purged %s of %s releases; %s bytes freed.", len(report.purged), len(report.judged), report.bytes_freed)
    forget_old_answers()
    recording.forget_unused_snapshots(now=timezone.now())


@shared_task(acks_late=False)  # the next one comes anyway
def collect() -> None:
    """Let bytes go that nothing names any more, now that their grace time is over."""
    collected = collecting.collect(now=timezone.now())
    if collected.blobs_swept or collected.uploads_forgotten:
        logger.info(
            "Swept %s blobs, %s bytes; forgot %s uploads.",
            collected.blobs_swept,
            collected.bytes_freed,
            collected.uploads_forgotten,
        )


@shared_task(acks_late=False)  # the next one comes anyway
def lift_holds() -> None:
    """Lift the holds whose time is over."""
    for held in execution.expired_holds(now=timezone.now()):
        operations.lift_expired(held=held, now=timezone.now())
