"""Whose doing a load is: the result of one of our deploys, the same code once more, or something nobody told us about."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from deployments import composition, events
from deployments.endings import ended
from deployments.models import CodeLocation, Deploy, Load, Release
from deployments.numbering import next_deploy
from deployments.platforms.base import LocationReport
from deployments.states import ActorKind, DeployKind, DeployStatus, EventLevel
from portal.common.canonical import digest_of

OBSERVER = "observed"
# What the columns of a release hold.
LONGEST_IMAGE, LONGEST_DIGEST = 500, 100


@dataclass(frozen=True)
class Act:
    """The deploy that a load belongs to. `again`: it was loaded before, and defines nothing new."""

    deploy: Deploy
    again: bool = False


def act_of_load(location: CodeLocation, report: LocationReport, likeness: str, now: datetime) -> Act:
    """Answer the act of a load that went well; of one that nobody told us about, a new one, live. Location locked."""
    live = location.live_deploy
    if live is not None and Load.objects.filter(deploy=live, ok=True, likeness=likeness).exists():
        # It failed in between, or another release did, and what was live is back.
        return Act(live, again=True)
    placed = _never_heard_of(location)
    if placed is not None and placed == live:
        return Act(placed)
    if live is not None and _is_unread(location, live):
        return Act(live)
    # In place, and given up on before anybody could see it, or broken until now: now it is served.
    release = placed.release if placed is not None else _healed(location)
    return Act(_went_live(location, report, release or _observed_release(location, report), now))


def act_of_failure(location: CodeLocation, report: LocationReport, now: datetime) -> Act:
    """Answer the act of a load that failed: of what we placed and never heard of, or a new one. Location locked."""
    placed = _never_heard_of(location)
    if placed is not None and placed.status in {DeployStatus.FAILED, DeployStatus.ERRORED}:
        return Act(placed)
    assert report.error is not None
    gist = report.error.chain[-1]["message"] if report.error.chain else report.error.message
    detail = f"{location.name} failed to load: {' '.join(str(gist).split())[:500]}"
    deploy = _observed(
        location,
        report,
        now,
        status=DeployStatus.FAILED,
        release=_in_place(location),
        verified=False,
        verification=detail[:500],
        error={"code": "load_failed", "detail": detail, "step": "", "chain": report.error.chain},
    )
    events.record_step(deploy, "OBSERVE", detail, at=now, level=EventLevel.ERROR)
    ended(deploy, now=now)
    return Act(deploy)


def warn_of_neighbour(by: Deploy, load: Load, *, now: datetime) -> None:
    """Tell a deploy's own log that a neighbour did not survive its reload."""
    message = f"{load.code_location.name}, which was loaded again with it, fails to load: see its history."
    events.record_step(by, "RELOAD", message, at=now, level=EventLevel.WARNING)


def _never_heard_of(location: CodeLocation) -> Deploy | None:
    """Answer what we placed, if it was placed after the last load, and no load of it was ever seen."""
    placed, last = location.placed_deploy, location.last_load
    if placed is None or placed.activated_at is None or placed.loads.exists():
        return None
    return placed if last is None or last.reported_at < placed.activated_at else None


def _is_unread(location: CodeLocation, live: Deploy) -> bool:
    """Say whether what is in place was seen to be served, and what it defines never was: it failed in between."""
    seen = live.loads.filter(ok=True)
    return live == location.placed_deploy and seen.exists() and not seen.exclude(likeness="").exists()


def _in_place(location: CodeLocation) -> Release | None:
    """Answer the release whose files a platform reads that reads by itself: what broke there, broke in these."""
    placed = location.placed_deploy
    return placed.release if placed is not None and location.deployment.reads_files else None


def _healed(location: CodeLocation) -> Release | None:
    """Answer the release in place, if it was never live, and failed for a reason that is gone."""
    placed, last = location.placed_deploy, location.last_load
    broke = (
        placed is not None and placed.live_seq is None and last is not None and last.deploy == placed and not last.ok
    )
    return _in_place(location) if broke else None


def _went_live(location: CodeLocation, report: LocationReport, release: Release, now: datetime) -> Deploy:
    words = f"{location.deployment.get_platform_display()} loaded it; nobody told Lastgood about it."
    deploy = _observed(
        location,
        report,
        now,
        status=DeployStatus.SUCCEEDED,
        release=release,
        previous=location.live_deploy,
        live_seq=location.next_live_seq,
        verified=True,
        verified_at=now,
        verification=words,
    )
    location.live_deploy = deploy
    location.next_live_seq += 1
    location.save(update_fields=["live_deploy", "next_live_seq"])
    events.record_step(deploy, "OBSERVE", words, at=now)
    ended(deploy, now=now)
    return deploy


def _observed(location: CodeLocation, report: LocationReport, now: datetime, **fields: Any) -> Deploy:
    shown = {name: value for name, value in report.metadata.items() if not name.startswith("library/")}
    git = {"commit": shown.get("commit_hash", ""), "url": shown.get("url", "")}
    image = _image_in(report)
    return next_deploy(
        location,
        now=now,
        kind=DeployKind.OBSERVED,
        actor_name=OBSERVER,
        actor_kind=ActorKind.OBSERVER,
        parts={"image": image} if image else {},
        git={name: value for name, value in git.items() if value},
        metadata=report.placeless,
        platform_asked=True,
        finished_at=now,
        **fields,
    )


def _observed_release(location: CodeLocation, report: LocationReport) -> Release:
    """Answer the release that a load shows: by the image's digest where images are put, else by all that tells it apart."""
    image = _image_in(report)
    digest = composition.digest_in(image)
    by_image = bool(image) and location.deployment.puts_images
    if digest and by_image and (known := location.releases.filter(image_digest=digest).order_by("-pk").first()):
        return known
    seen = {"shown": report.placeless, "definitions": report.definitions_digest}
    code = composition.Composition(image=image, image_digest=digest).code_digest if by_image else digest_of(seen)
    return Release.objects.get_or_create(
        code_location=location,
        digest=digest_of({"observed": seen}),
        defaults={
            "code_digest": code,
            "image": image,
            "image_digest": digest,
            "provisional": True,
            "definitions_digest": report.definitions_digest or "",
        },
    )[0]


def _image_in(report: LocationReport) -> str:
    """Answer the image that the location shows; nothing where that is too long to be a reference."""
    image = report.metadata.get("image", "")
    return image if len(image) <= LONGEST_IMAGE and len(composition.digest_in(image)) <= LONGEST_DIGEST else ""
