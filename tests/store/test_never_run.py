"""Uploaded code …"""

import pickle
from datetime import timedelta
from pathlib import Path

import pytest
from django.test import Client
from django.utils import timezone

from deployments import retention
from deployments.drivers import target_path
from deployments.models import Deployment
from tests.factories import deploy, fresh, make_location, make_superuser, roll_back
from tests.store.bytes import objects

pytestmark = [pytest.mark.django_db, pytest.mark.services]


class Trap:
    """What runs a command when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self._marker = marker

    def __reduce__(self):
        return Path.touch, (self._marker,)


def trapped(marker: Path, version: int) -> dict[str, bytes]:
    """Answer a tree that leaves a marker when anything of it is run, imported, unpickled or put on the path."""
    code = f"open({str(marker)!r}, 'w').close()  # {version}\n".encode()
    shell = f"#!/bin/sh\ntouch {marker}\n".encode()
    names = [
        "__init__",
        "__main__",
        "sitecustomize",
        "usercustomize",
        "conftest",
        "setup",
        "manage",
        "definitions",
        "apps",
    ]
    return {
        **{f"{name}.py": code for name in names},
        "evil.pth": b"import os; " + code,
        "model.pkl": pickle.dumps(Trap(marker)),
        "templatetags/evil.py": code,
        "migrations/0001_initial.py": code,
        "page.html": b"{% load evil %}{{ request }}<script>alert(1)</script>",
        "run.sh": shell,
        ".git/hooks/post-checkout": shell,
    }


def test_is_never_run(tmp_path: Path):
    marker = tmp_path / "marker"
    location, client = make_location(), Client()
    client.force_login(make_superuser())

    deploy(location, trapped(marker, 1))
    deploy(location, trapped(marker, 2))
    assert roll_back(location).status == "SUCCEEDED"
    base = "/api/v1/organizations/acme/deployments/production/code-locations/shop/deploys/3/"
    tree = client.get(f"{base}bundles/dags/")
    for line in tree.json()["files"]:
        answered = client.get(f"{base}bundles/dags/files/", {"path": line["path"]})
        assert (answered.status_code, answered["Content-Type"]) == (200, "application/octet-stream")
        assert (
            b"".join(answered.streaming_content) == (target_path(location) / "current/dags" / line["path"]).read_bytes()
        )
    assert client.get(base).status_code == 200
    Deployment.objects.update(retention_days=1)
    retention.purge(now=timezone.now() + timedelta(days=400))

    assert not marker.exists()
    assert len(tree.json()["files"]) == len(trapped(marker, 1))
    assert fresh(location).live_deploy.number == 3


def test_is_stored_readable_to_nobody_else_and_not_executable():
    location = make_location()

    deploy(location, {"run.sh": b"#!/bin/sh\n"})

    assert {path.stat().st_mode & 0o777 for path in objects()} == {0o400}
    placed = target_path(location) / "current/dags/run.sh"
    assert placed.stat().st_mode & 0o7777 == 0o444
