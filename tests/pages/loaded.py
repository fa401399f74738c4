"""A code location that was loaded again and again: by deploys, by hand, with errors, with a neighbour's reload."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import pytest

from deployments import drivers
from deployments.models import Deploy, Load, LoadRun
from deployments.platforms.base import LoadError
from tests.observing.dagster import Dagster
from tests.observing.world import World
from tests.pages import scenes

COMMIT = "9c1e07d45ab2f3386c0d5e4f1a2b3c4d5e6f7a8b"
DIGEST = "sha256:4f1b6a2d9e8c7b5a3f0e1d2c4b6a8f9e0d1c2b3a4f5e6d7c8b9a0f1e2d3c4b5a"
SHOWN = {
    "commit_hash": COMMIT,
    "url": "https://github.com/acme/pipelines/tree/9c1e07d45ab2/shop",
    "image": f"registry.example/acme/shop:2026.11.20@{DIGEST}",
    "python_file": "/srv/dagster/code/shop/definitions.py",
    "branch_name": "main",
    "library/dagster-dbt": "0.29.27",
    "library/dagster-duckdb": "0.29.27",
}
FRAME = "/srv/dagster/code/shop/orders.py:7 in <module>: from shop.currency import rates"


@contextmanager
def watched(**fields: Any) -> Iterator[World]:
    """Have a Dagster answer for every deployment, and somebody watch it."""
    dagster = Dagster()
    with (
        mock.patch.object(drivers, "platform_for", return_value=dagster),
        mock.patch.object(drivers, "platform_of", return_value=dagster),
    ):
        yield World(dagster, **fields)


def missing_module() -> LoadError:
    """Answer the error of a location that imports what is not there, with the user's own line."""
    error = scenes.broken_import()
    outer, inner = error.chain
    return LoadError(error.message, error.class_name, [outer | {"frame": ""}, inner | {"frame": FRAME}])


def eventful(world: World) -> World:
    """Let there be #1 ours, twelve reloads of it, #2 by hand with image and commit, #3 ours, and #4 which fails to load."""
    world.passes(hours=-57)
    world.dagster.load(99)
    world.deploy(scenes.files(1), loads=1, git=scenes.GIT, description="First version of the shop's pipelines")
    for _ in range(11):
        world.passes(minutes=40)
        world.dagster.restart()
        world.poll()
    world.passes(hours=9)
    world.after_hand_load(2, shown=SHOWN)
    world.passes(hours=20)
    world.deploy(scenes.files(3), loads=3, git=scenes.GIT, description="Load orders every hour")
    world.passes(hours=20)
    world.after_hand_load(4, error=missing_module(), shown=SHOWN)
    return world


def many(load: Load, count: int) -> None:
    """Add so many loads like this one, each a run of its own, as if nothing were ever the same."""
    runs = LoadRun.objects.bulk_create(
        LoadRun(
            code_location_id=load.code_location_id,
            likeness=f"{step:064d}",
            first_at=load.reported_at,
            last_at=load.reported_at,
        )
        for step in range(count)
    )
    names = [field.attname for field in Load._meta.concrete_fields if field.name not in {"id", "run"}]
    like = {name: getattr(load, name) for name in names}
    loads = Load.objects.bulk_create(Load(**like, run=run) for run in runs)
    for run, each in zip(runs, loads, strict=True):
        run.newest = each
    LoadRun.objects.bulk_update(runs, ["newest"], batch_size=500)


def observed(world: World) -> Deploy:
    """Answer the newest deploy that was nobody's we know."""
    return [deploy for deploy in world.deploys() if deploy.kind == "observed"][-1]


@pytest.fixture
def world(db: None) -> Iterator[World]:
    """Answer a deployment with a Dagster that somebody watches."""
    with watched() as found:
        yield found


@pytest.fixture
def eventful_world(world: World) -> World:
    """Answer one in which `shop` was loaded by deploys, by hand, again and again, and fails now."""
    return eventful(world)


def here(world: World) -> str:
    """Answer the address of the code location's history."""
    return world.location().get_absolute_url()
