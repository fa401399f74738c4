"""Celery's side: id in, one call. And how work gets there: on commit, and never only there."""

import logging

from celery import current_app, shared_task
from django.conf import settings
from django.db import transaction
from django.utils import timezone
from kombu.exceptions import OperationalError

from deployments import events, execution, images, observing
from deployments.alerting import renotify, sending
from deployments.execution.settling import check_target
from deployments.models import CodeLocation, Deploy
from deployments.states import EventLevel

logger = logging.getLogger(__name__)
# What beat finds due is found again at its next tick: an old order to look is worth nothing.
TICK_EXPIRES = 10
# What is fetched becomes a deploy: the task stands above the operations, and is known here by its name.
FETCHING = "portal.tasks.fetch_source"


def enqueue(deploy: Deploy) -> None:
    """Have a worker look at this deploy once the transaction is through. A broker that is away loses nothing."""
    transaction.on_commit(lambda: _send_deploy(deploy))


def enqueue_settling(location_id: int) -> None:
    """Have a worker look at this code location's target once the transaction is through."""
    transaction.on_commit(lambda: _send_settling(location_id))


def enqueue_fetching(source_id: int) -> None:
    """Have a worker look at this Git source once the transaction is through. It is due: beat finds it, if this is lost."""
    transaction.on_commit(lambda: _send_fetching(source_id))


def queue_of(deploy: Deploy) -> str:
    """Answer the queue: rollbacks have workers of their own, and never wait behind deploys."""
    return "rollbacks" if deploy.is_rollback else "deploys"


# What the schedule starts is acknowledged at once: a long run must not be brought back beside itself, and the next one
# comes anyway. What somebody asked for is acknowledged late, and brought back when its worker dies.


@shared_task
def carry_out(*, deploy_id: int) -> None:
    """Carry one deploy out."""
    left = execution.carry_out(deploy_id, clock=timezone.now)
    if left.settle_location_id is not None:
        enqueue_settling(left.settle_location_id)
    if left.next_deploy is not None:
        enqueue(left.next_deploy)
    if left.ended:
        _announce(deploy_id)


@shared_task
def settle_target(*, location_id: int) -> None:
    """Make one target agree with what we wrote down."""
    execution.settle_target(location_id, clock=timezone.now)


@shared_task(acks_late=False)
def take_up(*, rollbacks: bool) -> None:
    """Order workers to look at what is due."""
    for deploy in execution.due_deploys(rollbacks=rollbacks):
        carry_out.apply_async(kwargs={"deploy_id": deploy.pk}, queue=queue_of(deploy), expires=TICK_EXPIRES)


@shared_task(acks_late=False)
def check_targets() -> None:
    """Read what targets hold, the longest unseen first, and repair what drifted."""
    for location_id in execution.due_targets().values_list("pk", flat=True)[:200]:
        try:
            check_target(location_id, clock=timezone.now)
        except Exception:
            # The others are checked all the same, and this one comes last the next time.
            logger.exception("The target of code location %s could not be checked.", location_id)
            CodeLocation.objects.filter(pk=location_id).update(checked_at=timezone.now())


@shared_task(acks_late=False)
def send_alerts() -> None:
    """Send what people are to be told."""
    sending.send_due(clock=timezone.now)


@shared_task(acks_late=False)
def remind() -> None:
    """Tell again of what still fails to load."""
    renotify.remind(timezone.now())


@shared_task(acks_late=False)
def observe_due() -> None:
    """Order workers to ask the platforms that are due."""
    for deployment_id in observing.due_deployments(now=timezone.now()):
        observe.apply_async(kwargs={"deployment_id": deployment_id}, queue="observations", expires=TICK_EXPIRES)


@shared_task(acks_late=False)
def observe(*, deployment_id: int) -> None:
    """Ask one platform what it loaded."""
    for deploy_id in observing.observe(deployment_id, clock=timezone.now):
        _announce(deploy_id)


@shared_task(acks_late=False)
def check_images() -> None:
    """Ask registries whether they still have the images that one could roll back to."""
    images.check_images(clock=timezone.now)


def _send_deploy(deploy: Deploy) -> None:
    try:
        carry_out.apply_async(kwargs={"deploy_id": deploy.pk}, queue=queue_of(deploy))
    except OperationalError:
        logger.warning("The broker is away: %s waits, and is taken up when it is back.", deploy)
        if Deploy.objects.filter(pk=deploy.pk).queued().exists():
            _tell_that_it_waits(deploy)


def _tell_that_it_waits(deploy: Deploy) -> None:
    message = "The broker is away. This deploy is stored, waits, and starts by itself when the broker is back."
    events.record_step(deploy, "QUEUE", message, at=timezone.now(), level=EventLevel.WARNING)


def _announce(deploy_id: int) -> None:
    """Tell those who asked to be told that a deploy ended. They look for themselves too: a lost word loses nothing."""
    for name in settings.LASTGOOD_TELL_OF_DEPLOYS:
        try:
            current_app.send_task(name, kwargs={"deploy_id": deploy_id}, queue="deploys")
        except OperationalError:
            logger.warning("The broker is away: %s looks at deploy %s later.", name, deploy_id)


def _send_fetching(source_id: int) -> None:
    try:
        current_app.send_task(FETCHING, kwargs={"source_id": source_id}, queue="fetches", expires=TICK_EXPIRES)
    except OperationalError:
        logger.warning("The broker is away: Git source %s is looked at later.", source_id)


def _send_settling(location_id: int) -> None:
    try:
        settle_target.apply_async(kwargs={"location_id": location_id}, queue="deploys")
    except OperationalError:
        logger.warning("The broker is away: the target of code location %s is looked at later.", location_id)
