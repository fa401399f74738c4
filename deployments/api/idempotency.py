"""The same write twice is one effect: `Idempotency-Key`."""

import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any, cast

from django.conf import settings
from django.contrib.auth.models import User
from django.db import IntegrityError, OperationalError, connection, transaction
from django.utils import timezone
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from deployments.models import IdempotencyRecord
from portal.common.problems import Invalid, Refusal

KEPT = timedelta(hours=24)
MOST_LETTERS = 200


class KeyReused(Refusal):
    """The key was used for another request."""

    code = "idempotency_mismatch"


class InProgress(Refusal):
    """The same request is being carried out this moment."""

    code = "in_progress"


def answer_once(request: Request, *, authorize: Callable[[], None], do: Callable[[], Response]) -> Response:
    """Do it and remember the answer with the effect, in one transaction; or repeat the answer that was remembered.

    Authorises first, also what is only repeated. Without a key it is simply done. What was refused had no effect and is
    not remembered. Raises what both raise, and KeyReused, InProgress.
    """
    authorize()
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return do()
    if not 1 <= len(key) <= MOST_LETTERS:
        raise Invalid(f"Idempotency-Key has 1 to {MOST_LETTERS} letters.", code="bad_idempotency_key")
    user = cast("User", request.user)
    key_mac, request_mac = _mac("key", key), _mac("request", request.method, request.path, _body(request))
    with transaction.atomic():
        record = _begin(user, key_mac, request_mac)
        if record is None:
            return _repeat(user, key_mac, request_mac)
        response = do()
        record.status, record.body = response.status_code, json.loads(JSONRenderer().render(response.data))
        record.save(update_fields=["status", "body"])
    return response


def forget_old_answers() -> int:
    """Forget what is older than a day, and answer how many were."""
    return IdempotencyRecord.objects.filter(created_at__lt=timezone.now() - KEPT).delete()[0]


def _begin(user: User, key_mac: str, request_mac: str) -> IdempotencyRecord | None:
    """Be the first with this key; None: somebody was. A racing twin waits for the first here, but not for long."""
    IdempotencyRecord.objects.filter(user=user, key_mac=key_mac, created_at__lt=timezone.now() - KEPT).delete()
    try:
        with transaction.atomic():
            _wait_at_most("2s")
            record = IdempotencyRecord.objects.create(
                user=user, key_mac=key_mac, request_mac=request_mac, created_at=timezone.now(), status=0, body=None
            )
            _wait_at_most("0")
            return record
    except IntegrityError:
        return None
    except OperationalError as waited:
        raise InProgress("A request with this Idempotency-Key is being carried out: ask again in a moment.") from waited


def _wait_at_most(span: str) -> None:
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, true)", [span])


def _repeat(user: User, key_mac: str, request_mac: str) -> Response:
    record = IdempotencyRecord.objects.get(user=user, key_mac=key_mac)
    if not hmac.compare_digest(record.request_mac, request_mac):
        raise KeyReused("This Idempotency-Key came with another request before: use a new key for a new request.")
    return Response(record.body, status=record.status, headers={"Idempotency-Replayed": "true"})


def _body(request: Request) -> str:
    return json.dumps(request.data, sort_keys=True, default=str)


def _mac(*words: Any) -> str:
    text = "\0".join(str(word) for word in words)
    return hmac.new(settings.FINGERPRINT_KEY.encode(), text.encode(), hashlib.sha256).hexdigest()
