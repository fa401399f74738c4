"""What the schedule starts that is nobody's in particular: each one call."""

import logging

from celery import shared_task
from django.utils import timezone

from assets import recording
from deployments import execution, operations, retention, sourcing, surveying, tasks
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
    surveying.write(surveying.LATEST_PURGE, surveying.told_of(report), at=timezone.now())
    forget_old_answers()
    sourcing.forget_old_deliveries(now=timezone.now())
    sourcing.sweep(now=timezone.now())
    recording.forget_unused_snapshots(now=timezone.now())


@shared_task(acks_late=False)  # the next one comes anyway
def survey() -> None:
    """Count what is too much for a page: storage, and what the next purge would free."""
    surveying.survey(clock=timezone.now)


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


@shared_task(acks_late=False)  # the next one comes anyway
def fetch_due() -> None:
    """Order workers to look at the Git sources that are due."""
    for source_id in sourcing.due_sources(now=timezone.now()):
        fetch_source.apply_async(kwargs={"source_id": source_id}, queue="fetches", expires=tasks.TICK_EXPIRES)


@shared_task(acks_late=False)  # the source stays due
def fetch_source(*, source_id: int) -> None:
    """Look at one Git source, and deploy its head if that is new."""
    operations.fetch_source(source_id, clock=timezone.now)
