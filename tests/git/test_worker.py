"""With a real worker, a real broker and the real schedule, a signed webhook …"""

from pathlib import Path

import pytest

from deployments.models import Deploy
from deployments.states import DeployKind, DeployStatus
from tests.factories import make_location
from tests.git.acting import github, push_event, set_up
from tests.git.repositories import Repository
from tests.workers import finished, running_worker, wait_for

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.services, pytest.mark.usefixtures("by_file")]


@pytest.fixture(autouse=True)
def silent_broker() -> None:
    """Let the real one be."""


def test_brings_a_commit_to_where_it_runs(broker: str, tmp_path: Path, repository: Repository, settings, monkeypatch):
    monkeypatch.setenv("LASTGOOD_GIT_PROTOCOLS", "file")
    monkeypatch.setenv("LASTGOOD_ENCRYPTION_KEYS", ",".join(settings.LASTGOOD_ENCRYPTION_KEYS))
    place = make_location()
    current = Path(settings.LASTGOOD_TARGET_ROOT) / "acme" / "production" / "shop" / "current" / "dags" / "a.py"
    with running_worker(broker, tmp_path / "worker.log", queues="deploys,rollbacks,observations,fetches"):
        source = set_up(place, repository, poll_seconds=0)
        first = wait_for(lambda: place.deploys.first(), what="the deploy of the first head")
        assert finished(first).status == DeployStatus.SUCCEEDED
        assert current.read_bytes() == b"a = 1\n"
        head = repository.commit({"dags/a.py": b"a = 2\n"}, "Second")

        assert github(source, push_event(head)).status_code == 202

        second = wait_for(
            lambda: Deploy.objects.filter(git__commit=head).first(), what=f"a deploy of {head}", patience=30
        )
        assert finished(second).status == DeployStatus.SUCCEEDED
    assert (second.kind, place.deploys.count()) == (DeployKind.GIT, 2)
    assert current.read_bytes() == b"a = 2\n"
    assert source.hook_secret not in (tmp_path / "worker.log").read_text()
