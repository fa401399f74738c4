"""How long it takes to say what a deploy changed in 10,000 assets. Seeded input; counted from the answer received."""

import hashlib
import json
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

ASSETS, CHANGED = 10_000, 100
PAGE = 500
MAKE_ANSWERS = """
from pathlib import Path
from tests.bench.assets import answers
folder = Path({folder!r}) / "{version}"
folder.mkdir()
for number, page in enumerate(answers({version})):
    (folder / f"{{number:03}}").write_bytes(page)
"""
Show = Callable[..., None]


def main(show: Show) -> None:
    """Measure reading, comparing and recording; then reading the history of it."""
    bench_diff(show)
    location, deploys = bench_recording(show)
    bench_compare(show, location, deploys)
    bench_change_history(show)
    bench_memory(show)


def nodes(version: int, *, seed: int = 7) -> list[dict[str, Any]]:
    """Answer Dagster's GraphQL nodes of 10,000 assets; each version differs from the one before in 1 % of them."""
    chance = random.Random(seed)
    found = [_node(number, chance) for number in range(ASSETS)]
    for earlier in range(1, version + 1):
        moved = random.Random(f"{seed}-{earlier}")
        for number in moved.sample(range(ASSETS), CHANGED):
            found[number] = {**found[number], "opVersion": str(earlier), "groupName": f"group_{earlier % 7}"}
    return found


def _node(number: int, chance: random.Random) -> dict[str, Any]:
    parents = sorted({chance.randrange(ASSETS) for _ in range(2)} - {number})
    return {
        "assetKey": {"path": ["warehouse", f"schema_{number % 50}", f"table_{number}"]},
        "opVersion": "0",
        "groupName": f"group_{number % 40}",
        "kinds": ["dbt", "snowflake"],
        "description": f"What table {number} holds, in a sentence that says a little more than its name.",
        "isMaterializable": True,
        "isObservable": False,
        "isExecutable": True,
        "isAutoCreatedStub": False,
        "tags": [{"key": f"tag_{each}", "value": str(chance.randrange(100))} for each in range(5)],
        "owners": [{"team": f"team_{number % 9}"}],
        "dependencyKeys": [{"path": ["warehouse", f"schema_{each % 50}", f"table_{each}"]} for each in parents],
        "dependencies": [],
        "jobNames": ["nightly"],
        "pools": [],
        "partitionDefinition": {
            "name": None,
            "type": "TIME_WINDOW",
            "fmt": "%Y-%m-%d",
            "description": "Daily, starting 2024-01-01 UTC.",
            "dimensionTypes": [],
        },
        "backfillPolicy": None,
        "automationCondition": None,
        "metadataEntries": [
            {"__typename": "TextMetadataEntry", "label": "owner", "text": f"team {number % 9}"},
            {"__typename": "IntMetadataEntry", "label": "rows", "intRepr": str(chance.randrange(10**6))},
            {"__typename": "FloatMetadataEntry", "label": "share", "floatRepr": str(chance.random())},
            {"__typename": "UrlMetadataEntry", "label": "docs", "url": f"https://docs.example/{number}"},
            {"__typename": "JsonMetadataEntry", "label": "limits", "jsonString": '{"low": 1, "high": 9}'},
        ],
    }


def answers(version: int) -> list[bytes]:
    """Answer the pages as a Dagster sends them."""
    found = nodes(version)
    return [json.dumps({"nodes": found[start : start + PAGE]}).encode() for start in range(0, ASSETS, PAGE)]


def form_of(pages: Iterable[bytes]) -> dict[str, Any]:
    """Answer the normal form of a location out of the pages of an answer, as the driver makes it."""
    from deployments.platforms.dagster_definitions import asset_form, location_form

    forms = [asset_form(node, repository="__repository__") for page in pages for node in json.loads(page)["nodes"]]
    return location_form([{"name": "__repository__", "jobs": [], "schedules": [], "sensors": []}], forms)


def load(deploy: Any, pages: Iterable[bytes]) -> None:
    """Do all that follows an answer: read it, keep it, record what it says of the deploy."""
    from django.utils import timezone

    from assets import recording

    receive(deploy, pages)
    recording.record_deploy(deploy.pk, now=timezone.now())


def receive(deploy: Any, pages: Iterable[bytes]) -> None:
    """Keep what a platform answered, as the pipeline does."""
    from django.db import transaction
    from django.utils import timezone

    from deployments.loads import write_load
    from deployments.platforms.base import LocationReport
    from portal.common.canonical import canonical_json
    from tests.factories import fresh

    form = form_of(pages)
    written = canonical_json(form)
    report = LocationReport(
        version_key="key",
        server_id="id",
        error=None,
        definitions_digest=hashlib.sha256(written).hexdigest(),
        asset_count=ASSETS,
        raw=form,
        written=written,
    )
    with transaction.atomic():
        write_load(fresh(deploy.code_location), report, deploy=deploy, now=timezone.now())


def bench_diff(show: Show) -> None:
    """Measure the differ alone, and reading a snapshot as CI sends it."""
    from assets.definitions import differ, reading
    from assets.sources.dagster import definitions_of

    old, _ = definitions_of(form_of(answers(0)))
    new, _ = definitions_of(form_of(answers(1)))
    raw = json.dumps({"format": "lastgood.assets/1", "assets": list(new.values())}).encode()
    old, new = (
        dict(reading.read(json.dumps({"assets": list(old.values())}).encode()).assets),
        dict(reading.read(raw).assets),
    )
    assert len(differ.diff(old, new).changed) == CHANGED
    show("diff of two parsed snapshots, 10,000 assets (goal: 50 ms)", _rounds(lambda: differ.diff(old, new)))
    show(f"read a snapshot of {len(raw) / 1e6:.0f} MB", _rounds(lambda: reading.read(raw)))


def bench_recording(show: Show) -> tuple[Any, list[Any]]:
    """Measure recording loads: the first, with 1 % changed, and with nothing changed."""
    from assets.models import Asset, AssetChange, AssetVersion, Validity
    from tests.assets.sets import go_live
    from tests.factories import make_deployment, make_location

    location = make_location(make_deployment(organization=_organization(), slug="assets"), name="warehouse")
    deploys = [go_live(location) for _ in range(2)]
    pages = answers(0)
    show("record the first load, all 10,000 added", [_timed(lambda: load(deploys[0], pages))])
    pages = answers(1)
    changed = [_timed(lambda: load(deploys[1], pages))]
    for version in range(2, 6):
        deploy, pages = go_live(location), answers(version)
        deploys.append(deploy)
        changed.append(_timed(lambda: load(deploy, pages)))  # noqa: B023
    show("record a load, 1 % changed (goal: 2 s)", changed)
    tables = (Asset, AssetVersion, AssetChange, Validity)
    rows = [table.objects.count() for table in tables]
    same = []
    for _ in range(5):
        deploy = go_live(location)
        deploys.append(deploy)
        same.append(_timed(lambda: load(deploy, pages)))  # noqa: B023
    wrote = sum(table.objects.count() for table in tables) - sum(rows)
    show(f"record a load, nothing changed: {wrote} asset rows (goal: 0.7 s)", same)
    return location, deploys


def bench_compare(show: Show, location: Any, deploys: list[Any]) -> None:
    """Measure comparing two deploys that are 500 deploys, with 1 % changed by each, apart."""
    from django.utils import timezone

    from assets import comparison, recording
    from assets.sources.dagster import definitions_of
    from assets.states import Source
    from deployments.models import Deploy

    apart = 500
    definitions, _ = definitions_of(form_of(answers(5)))
    seen = recording.observe(Source.PLATFORM, definitions)
    chance = random.Random(7)
    keys = sorted(definitions)
    last = deploys[-1]
    for number in range(apart):
        last = _one_more(last)
        moved = {key: {**definitions[key], "code_version": f"{number}"} for key in chance.sample(keys, CHANGED)}
        seen = _moved(seen, moved)
        if number % 50 == 0 or number == apart - 1:
            print(f"  recorded {number + 1} of {apart} …", end="\r", file=sys.stderr, flush=True)
        recording.record(Deploy.objects.get(pk=last.pk), seen, now=timezone.now())
    first = deploys[-1]

    def compared() -> Any:
        found = comparison.compare(location, first, last)
        return comparison.in_detail(found.steps[:50])

    steps = len(comparison.compare(location, first, last).steps)
    show(f"compare {apart} deploys apart, {steps:,} assets differ (goal: 100 ms)", _rounds(compared))


def _moved(seen: Any, moved: dict[str, Any]) -> Any:
    """Answer the observation with some definitions in place of others; only these are digested."""
    from assets.definitions.prints import digest_of
    from assets.recording.observation import whole_digest

    digests = {**seen.digests, **{key: digest_of(definition) for key, definition in moved.items()}}
    definitions = {**seen.definitions, **moved}
    return replace(seen, definitions=definitions, digests=digests, digest=whole_digest(digests))


def _one_more(before: Any) -> Any:
    """Answer a deploy that went live after this one, without carrying it out."""
    from django.utils import timezone

    from deployments.models import CodeLocation, Deploy

    location = CodeLocation.objects.get(pk=before.code_location_id)
    now = timezone.now()
    made = Deploy.objects.create(
        code_location=location,
        number=location.next_number,
        kind="dags",
        status="SUCCEEDED",
        actor_name="ci",
        actor_kind="service_account",
        created_at=now,
        finished_at=now,
        release=before.release,
        live_seq=location.next_live_seq,
    )
    location.next_number += 1
    location.next_live_seq += 1
    location.save()
    return made


def bench_change_history(show: Show) -> None:
    """Measure the change history of an asset with 1,000 changes: page and API."""
    from django.test import Client

    from assets.states import Source
    from tests.assets.sets import asset, define, go_live, record
    from tests.factories import make_deployment, make_location, superuser

    location = make_location(make_deployment(organization=_organization(), slug="changes"), name="busy")
    deploy = go_live(location)
    record(deploy, define(asset("db/orders", metadata={"sql": {"type": "Text", "value": "select 0"}})))
    for number in range(1000):
        deploy = _one_more(deploy)
        said = {"code_version": str(number), "metadata": {"sql": {"type": "Text", "value": f"select {number}"}}}
        record(deploy, define(asset("db/orders", **said)), source=Source.SNAPSHOT)
    client = Client(SERVER_NAME="localhost")
    client.force_login(superuser())
    place = "acme/deployments/changes/code-locations/busy"
    for name, url in (
        ("API", f"/api/v1/organizations/{place}/assets/changes/?key=db/orders"),
        ("page", "/deployments/acme/changes/busy/assets/changes/?key=db/orders"),
    ):
        assert client.get(url).status_code == 200, url
        seconds = _rounds(lambda: client.get(url))  # noqa: B023
        show(f"change history {name}, 1,000 changes (goal: 30 ms)", seconds)


def bench_memory(show: Show) -> None:
    """Measure the peak of a process that records one load with 1 % changed, Django and all."""
    done = subprocess.run([sys.executable, "-m", "tests.bench.assets"], capture_output=True, text=True, check=True)
    print(f"{'peak memory of a process that records 10,000 assets (goal: 300 MB)':<62} {done.stdout.strip()}")


def _record_in_this_process() -> None:
    """Record what a running portal would: the answer, page by page, of a location that was recorded before."""
    import os
    import tempfile

    with tempfile.TemporaryDirectory(prefix="lastgood-bench.") as folder:
        os.environ.update(DATA_DIR=folder, DATABASE_URL=f"sqlite:///{folder}/bench.sqlite3", LOG_LEVEL="ERROR")
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
        for version in (0, 1):
            # What a Dagster has in its memory is not ours: its answers are made by another process.
            subprocess.run([sys.executable, "-c", MAKE_ANSWERS.format(version=version, folder=folder)], check=True)
        import django

        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        from tests.assets.sets import go_live
        from tests.factories import make_location

        location = make_location()
        for version in (0, 1):
            pages = sorted((Path(folder) / str(version)).iterdir())
            load(go_live(location), (page.read_bytes() for page in pages))
        # Not `ru_maxrss`, which a process begins with its parent's.
        peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
        print(f"{int(peak.split()[1]) / 1024:.0f} MB")


def _organization() -> Any:
    from deployments.models import Organization

    return Organization.objects.get_or_create(slug="acme")[0]


def _timed(work: Callable[[], Any]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _rounds(work: Callable[[], Any], rounds: int = 9) -> list[float]:
    seconds = [_timed(work) for _ in range(rounds)]
    assert statistics.median(seconds) >= 0
    return seconds


if __name__ == "__main__":
    _record_in_this_process()
