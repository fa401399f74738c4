"""The address that an order's receiver answers to: knowing it is the right to answer, once, for this deploy alone."""

import hashlib
import hmac

from django.conf import settings

from deployments.models import Deploy


def token_of(deploy: Deploy) -> str:
    """Answer the deploy's token. The same for every attempt: an order whose answer was lost stays answerable."""
    return f"{deploy.pk}-{_mac(deploy.pk)}"


def address_of(deploy: Deploy) -> str:
    """Answer the address that the receiver posts its outcome to."""
    return f"{settings.SITE_URL.rstrip('/')}/api/v1/callbacks/{token_of(deploy)}/"


def deploy_id_of(token: str) -> int | None:
    """Answer whose token it is, None when it is nobody's. Compared in constant time."""
    number = token.partition("-")[0]
    if not number.isascii() or not number.isdecimal() or len(number) > 18:
        return None
    # The whole of it: "007-…" is not "7-…".
    mine = f"{int(number)}-{_mac(int(number))}"
    return int(number) if hmac.compare_digest(token.encode(), mine.encode()) else None


def _mac(deploy_id: int) -> str:
    key = f"callback:{settings.FINGERPRINT_KEY}".encode()
    return hmac.new(key, str(deploy_id).encode(), hashlib.sha256).hexdigest()
