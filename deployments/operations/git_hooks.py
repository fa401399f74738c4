"""Webhooks that tell of a push. Who may call is whoever signs: nothing of a call is read before that was seen."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, transaction

from deployments import tasks
from deployments.git import pushes
from deployments.models import GitSource, HookDelivery
from portal.common.problems import Absent, Invalid, Refusal


class Replayed(Refusal):
    """A delivery that was taken already."""

    code = "replayed"


@dataclass(frozen=True)
class Taken:
    """What became of a delivery. `ignored` says why nothing did; otherwise `commit` is the one that was announced."""

    commit: str = ""
    ignored: str = ""


def take_delivery(*, hook: str, headers: Mapping[str, str], body: bytes, now: datetime) -> Taken:
    """Take what a webhook tells, once. Raises Absent (unknown hook or wrong signature), Invalid, Replayed.

    A push to the branch has it looked at; what is deployed is the branch's head, whichever commit was named.
    """
    source = GitSource.objects.filter(hook=hook).first()
    if not pushes.is_signed(headers, body, source.hook_secret if source else "") or source is None:
        raise Absent("There is no such hook, or its signature or token is wrong.")
    try:
        delivery = pushes.read(headers, body)
    except pushes.UnreadablePush as odd:
        raise Invalid(str(odd), code="bad_delivery") from odd
    if not delivery.commit:
        return Taken(ignored="not_a_push")
    if delivery.branch != source.branch:
        return Taken(ignored="other_branch")
    if source.paused:
        return Taken(ignored="paused")
    with transaction.atomic():
        _remember(source, delivery, headers, body, now)
        GitSource.objects.filter(pk=source.pk).update(wanted_commit=delivery.commit, due_at=now)
        tasks.enqueue_fetching(source.pk)
    return Taken(commit=delivery.commit)


def _remember(
    source: GitSource, delivery: pushes.Delivery, headers: Mapping[str, str], body: bytes, now: datetime
) -> None:
    """Write down that it was taken. Raises Replayed."""
    names = [delivery.name]
    if headers.get("X-Hub-Signature-256"):
        # The name stands beside what is signed, and could be another one: the body is known again too.
        names.append(f"body:{hashlib.sha256(body).hexdigest()}")
    rows = [HookDelivery(source=source, name=name, commit=delivery.commit, taken_at=now) for name in names]
    try:
        with transaction.atomic():
            HookDelivery.objects.bulk_create(rows)
    except IntegrityError as again:
        raise Replayed("This delivery was taken already.") from again
