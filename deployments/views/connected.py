"""How the connection to a deployment's platform stands: one clear state, for lines on several pages."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from django.utils.safestring import SafeString

from deployments.models import Deployment, PlatformWatch
from deployments.views.moments import since, still_ago


@dataclass(frozen=True)
class Connected:
    """The connection in words. `detail` is why it is not reachable; `remarks` what it cannot tell, or could not be read."""

    platform: str
    version: str = ""
    answered: SafeString | str = ""
    lost_since: SafeString | str = ""
    detail: str = ""
    remarks: tuple[str, ...] = ()
    may_reload: bool | None = None


def connected(deployment: Deployment, now: datetime) -> Connected | None:
    """Answer how the connection stands; None when no platform is connected. Costs no query where `watch` is loaded."""
    if not deployment.has_platform:
        return None
    name, watch = deployment.get_platform_display(), watch_of(deployment)
    if watch is None:
        return Connected(name)
    error = watch.error or {}
    return Connected(
        name,
        version=watch.version,
        answered=still_ago(watch.answered_at, now),
        lost_since=since(watch.unreachable_since, now),
        detail=str(error.get("detail", "")) if watch.unreachable_since else "",
        remarks=tuple(map(str, [*watch.cannot_tell, *watch.notes])),
        may_reload=watch.may_reload,
    )


def watch_of(deployment: Deployment) -> PlatformWatch | None:
    """Answer what is known from asking the platform; None when nobody asked yet."""
    try:
        return deployment.watch
    except ObjectDoesNotExist:
        return None


def mark_of(deployment: Deployment) -> list[Any]:
    """Answer what changes when the words of the connection do; not whenever it answers."""
    watch = watch_of(deployment) if deployment.has_platform else None
    if watch is None:
        return [deployment.has_platform]
    lost = watch.unreachable_since.astimezone(UTC).isoformat() if watch.unreachable_since else ""
    code = (watch.error or {}).get("code", "") if lost else ""
    return [lost, code, watch.version, watch.cannot_tell, watch.notes, watch.answered_at is None]
