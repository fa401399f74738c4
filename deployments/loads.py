"""Writing down what a platform reported. Execution and the observer do it alike, the code location locked."""

import re
from dataclasses import asdict
from datetime import datetime

from deployments import runs
from deployments.alerting import happenings
from deployments.models import CodeLocation, Deploy, Load
from deployments.platforms.base import LocationReport
from portal.common.canonical import digest_of
from portal.common.packing import squeezed

# How a release directory is named: the same error in another release is the same error.
_RELEASE = re.compile(r"\b[0-9]+-[0-9a-f]{12}(\.[0-9]+)?\b")


def write_load(
    location: CodeLocation,
    report: LocationReport,
    *,
    deploy: Deploy | None,
    now: datetime,
    again: bool = False,
    reloaded_by: Deploy | None = None,
) -> Load:
    """Write a load down, in its run, as the location's last one; and tell those who want to know. Location locked."""
    load = Load.objects.create(
        code_location=location,
        deploy=deploy,
        reported_at=now,
        version_key=report.version_key[:300],
        server_id=(report.server_id or "")[:100],
        ok=report.error is None,
        error=asdict(report.error) if report.error else None,
        definitions_digest=report.definitions_digest or "",
        asset_count=report.asset_count if report.error is None else None,
        metadata=report.metadata,
        missing=list(report.missing),
        likeness=likeness_of(report),
        again=again,
        reloaded_by=reloaded_by,
        # For whoever keeps what deploys define; nothing of a load that failed, or that defines what is known.
        raw=squeezed(report.written) if report.error is None and report.written and not again else None,
    )
    runs.add_load(load, now=now)
    location.last_load, location.unsettled_since, location.absent_since = load, None, None
    location.save(update_fields=["last_load", "unsettled_since", "absent_since"])
    happenings.of_load(load, now=now)
    return load


def complete_load(load: Load, report: LocationReport, *, now: datetime) -> Load:
    """Fill in what a load defines, that was seen to be there and not read yet. Location locked."""
    location = load.code_location
    load.version_key, load.server_id = report.version_key[:300], (report.server_id or "")[:100]
    load.definitions_digest, load.asset_count = report.definitions_digest or "", report.asset_count
    load.metadata, load.missing = report.metadata, list(report.missing)
    load.likeness, load.raw = likeness_of(report), squeezed(report.written) if report.written else None
    load.save()
    runs.settle_likeness(load)
    CodeLocation.objects.filter(pk=location.pk).update(unsettled_since=None, absent_since=None)
    return load


def likeness_of(report: LocationReport) -> str:
    """Answer what the report is known by, whatever server it came from and when: what is defined, or the error."""
    if report.error is None and report.definitions_digest is None:
        return ""  # seen to be there; what it defines is read later
    if report.error is not None:
        chain = [{"class_name": report.error.class_name, "message": report.error.message}, *report.error.chain]
        said = [[link.get("class_name"), _RELEASE.sub("", str(link.get("message")))] for link in chain]
        return digest_of({"error": said})
    return digest_of({"definitions": report.definitions_digest, "shown": report.placeless})
