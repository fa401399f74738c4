"""What may be done, each one operation: with deploys, code locations and releases."""

from datetime import datetime
from typing import Any

from django.contrib.auth.models import User

from deployments import operations
from deployments.access import Right, right_over
from deployments.admin.acting import Verb, right_to_configure, right_to_roll_back
from deployments.last_known_good import last_known_good, obstacle_to_restoring
from deployments.models import CodeLocation, Deploy, Hold, Release
from deployments.operations.rolling_back import LAST_GOOD
from deployments.states import DeployStatus

WHY = "Why? The others read this in the history."


def _roll_back(deploy: Deploy, actor: User, now: datetime, words: str) -> str:
    location = deploy.code_location
    made = operations.request_rollback(location=location, to=deploy.number, description=words, actor=actor, now=now)
    return f"Rollback #{made.number} of {location} to #{deploy.number} queued."


def _roll_back_to_last_good(location: CodeLocation, actor: User, now: datetime, words: str) -> str:
    made = operations.request_rollback(location=location, to=LAST_GOOD, description=words, actor=actor, now=now)
    assert made.restores is not None  # every rollback restores a deploy: the database says so
    return f"Rollback #{made.number} of {location} to #{made.restores.number} queued."


def _cancel(deploy: Deploy, actor: User, now: datetime, words: str) -> str:
    operations.cancel(deploy=deploy, actor=actor, now=now)
    return f"{deploy} canceled."


def _retry(deploy: Deploy, actor: User, now: datetime, words: str) -> str:
    made = operations.retry(deploy=deploy, actor=actor, now=now)
    return f"{deploy} is tried again as #{made.number}: {made.get_status_display().lower()}."


def _hold(location: CodeLocation, actor: User, now: datetime, words: str) -> str:
    operations.hold(location=location, reason=words, actor=actor, now=now)
    return f"{location} held: new pushes are stored, not activated."


def _resume(location: CodeLocation, actor: User, now: datetime, words: str) -> str:
    deploy = operations.resume(location=location, actor=actor, now=now)
    return f"{location} resumed: #{deploy.number} queued." if deploy else f"{location} resumed: nothing was held."


def _pin(release: Release, actor: User, now: datetime, words: str) -> str:
    operations.pin(release=release, actor=actor, now=now)
    return f"{release} of {release.code_location} pinned: retention keeps it."


def _unpin(release: Release, actor: User, now: datetime, words: str) -> str:
    operations.unpin(release=release, actor=actor, now=now)
    return f"{release} of {release.code_location} unpinned."


def _is_held(location: Any) -> bool:
    return Hold.objects.filter(code_location=location, released_at=None).exists()


ROLL_BACK = Verb(
    name="roll-back",
    label="Roll back to this deploy",
    explanation="A new deploy puts this one's release back in place. The code that it leaves is blamed and blocked, and "
    "the code location is held: later pushes are stored until somebody resumes.",
    do=_roll_back,
    right=right_to_roll_back,
    rights=(Right.ROLL_BACK,),
    fits=lambda deploy: obstacle_to_restoring(deploy) is None,
    icon="undo",
    asks=WHY,
    one=True,
)
ROLL_BACK_TO_LAST_GOOD = Verb(
    name="roll-back",
    label="Roll back to the last known good",
    explanation=ROLL_BACK.explanation.replace("this one's release", "the release of the last known good deploy"),
    do=_roll_back_to_last_good,
    right=right_to_roll_back,
    rights=(Right.ROLL_BACK,),
    fits=lambda location: last_known_good(location) is not None,
    icon="undo",
    asks=WHY,
)
CANCEL = Verb(
    name="cancel",
    label="Cancel",
    explanation="What is not in place yet is stopped for good. What is in place already is not: roll back instead.",
    do=_cancel,
    right=right_over,
    rights=(Right.DEPLOY, Right.ROLL_BACK),
    fits=lambda deploy: not deploy.is_finished and deploy.activated_at is None,
    icon="cancel",
)
RETRY = Verb(
    name="retry",
    label="Retry",
    explanation="The same is asked for once more, as a new deploy that names the old one.",
    do=_retry,
    right=right_over,
    rights=(Right.DEPLOY, Right.ROLL_BACK),
    fits=lambda deploy: deploy.is_finished and deploy.status != DeployStatus.SUCCEEDED,
    icon="refresh",
)
HOLD = Verb(
    name="hold",
    label="Hold",
    explanation="New pushes are stored and not activated, until somebody resumes. Rollbacks go on.",
    do=_hold,
    right=right_to_roll_back,
    rights=(Right.ROLL_BACK,),
    fits=lambda location: not _is_held(location),
    icon="pause",
    asks="Why? Everybody whose push is held reads this.",
)
RESUME = Verb(
    name="resume",
    label="Resume",
    explanation="The hold is lifted, and the newest that was held is activated, with what the older ones brought.",
    do=_resume,
    right=right_to_roll_back,
    rights=(Right.ROLL_BACK,),
    fits=_is_held,
    icon="play_arrow",
)
PIN = Verb(
    name="pin",
    label="Pin",
    explanation="Retention keeps the release and its files, whatever their age, until somebody unpins it.",
    do=_pin,
    right=right_to_configure,
    rights=(Right.CONFIGURE,),
    fits=lambda release: release.pinned_at is None and release.purged_at is None,
    icon="keep",
)
UNPIN = Verb(
    name="unpin",
    label="Unpin",
    explanation="Retention decides on the release again, by its age and by what needs it.",
    do=_unpin,
    right=right_to_configure,
    rights=(Right.CONFIGURE,),
    fits=lambda release: release.pinned_at is not None,
    icon="keep_off",
)
