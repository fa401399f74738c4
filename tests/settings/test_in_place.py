"""Settings, where the target put them, …"""

import os
import shutil
import stat
import subprocess

import pytest

from deployments import drivers, execution
from deployments.models import Deploy, Release
from deployments.states import DeployStatus
from deployments.targets.base import PlannedFile, PlannedRelease, TargetRefused
from deployments.targets.directory import DirectoryTarget
from portal.common import secret_field
from tests.factories import carry_out, deploy, fresh, noon, roll_back, upload
from tests.operations.asking import ONE, TWO, current, lines, push_parts, settle
from tests.settings.acting import private, push_settings, secret, set_up, settings_file, sourced

pytestmark = [pytest.mark.django_db]

# Each is a way to write past the end of a quoted text.
ODD = {
    "PLAIN": "x",
    "EMPTY": "",
    "SPACES": "  a  b ",
    "QUOTES": """it's "quoted" and 'quoted' again""",
    "ONLY_QUOTES": "''''",
    "LINES": "one\ntwo\n\nthree\n",
    "RETURNS": "a\r\nb\r",
    "DOLLARS": "$HOME ${HOME} $(id) `id` !! ~ * ?",
    "BACKSLASHES": "\\ \\n \\' \\",
    "HASH": "#not a comment",
    "EQUALS": "a=b=c",
    "LETTERS": "ünï🦆\u2028",
    "TABS": "\ta\t",
    "KEY": "-----BEGIN KEY-----\nMIIE/+=\n-----END KEY-----\n",
}


def test_a9_are_read_by_a_shell_as_they_were_sent(location):
    set_up(location, env={name: secret(value) for name, value in ODD.items()})

    assert sourced(location, *ODD) == ODD


def test_a9_are_there_as_json_with_what_they_belong_to(location):
    digest = "shop@sha256:" + "a" * 64
    made = set_up(
        location,
        parts={"image": digest, "runtime_version": "3.1-2"},
        env={"A": secret("one"), "B": "two"},
        runtime={"executor": "CeleryExecutor"},
        free={"owner": {"team": "ü"}},
    )

    told = settings_file(location)
    assert told["settings"] == {
        "env": {"A": "one", "B": "two"},
        "runtime": {"executor": "CeleryExecutor"},
        "free": {"owner": {"team": "ü"}},
    }
    assert (told["deploy"], told["image"], told["runtime_version"]) == (made.number, digest, "3.1-2")
    assert told["release"] == made.release.digest


def test_are_for_the_workers_user_alone_and_outside_any_code(location):
    before = os.umask(0)
    try:
        push_parts(location, bundles={"dags": ONE})
        carry_out(Deploy.objects.get())
        set_up(location, env={"A": secret("one")})
    finally:
        os.umask(before)

    folder = private(location)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {
        "settings.json": 0o600,
        "env": 0o600,
    }
    assert (current(location) / "dags" / "a.py").read_bytes() == ONE["a.py"]


def test_come_and_go_with_the_release(location):
    deploy(location, ONE)
    assert not private(location).exists()

    set_up(location, env={"A": "1"})
    first = current(location).resolve()
    set_up(location, env={"A": "2"})
    roll_back(location, 2)

    assert sourced(location, "A") == {"A": "1"}
    assert current(location).resolve() != first  # put there anew
    assert (first / ".lastgood" / "env").read_text() == "A=1\n"  # and the old one was not touched
    roll_back(location, 1)
    assert not private(location).exists()


def test_are_swapped_together_with_the_files(location, monkeypatch):
    """Whoever reads through `current` has the files and the settings of one deploy, at every moment."""
    seen = []

    def look() -> None:
        if current(location).exists():
            here = current(location).resolve()
            seen.append(((here / "dags" / "a.py").read_bytes(), (here / ".lastgood" / "env").read_text()))

    real = os.replace, os.rename, os.symlink

    def watched(call):
        def act(*args, **said):
            look()
            call(*args, **said)
            look()

        return act

    for number, files in enumerate((ONE, TWO), start=1):
        for name, call in zip(("replace", "rename", "symlink"), real, strict=True):
            monkeypatch.setattr(os, name, watched(call))
        dags = upload(location.deployment.organization, files)
        set_up(location, parts={"bundles": {"dags": dags}}, env={"A": str(number)})
        monkeypatch.undo()

    assert set(seen) == {(ONE["a.py"], "A=1\n"), (TWO["a.py"], "A=2\n")}


def test_go_when_retention_removes_the_folder(location):
    set_up(location, env={"A": secret("one")})
    old = current(location).resolve()
    set_up(location, env={"A": secret("two")})

    gone = drivers.target_for(location).prune(keep=lambda number: number != 1, fence=fresh(location).fence)

    assert gone == [old.name]
    assert not old.exists()
    assert (
        subprocess.run(["grep", "-rl", "one", str(current(location).parent)], capture_output=True, text=True).stdout
        == ""
    )


def test_are_put_back_after_somebody_removed_them(location):
    set_up(location, env={"A": "1"})
    shutil.rmtree(current(location).resolve())

    settle(location)

    assert sourced(location, "A") == {"A": "1"}


def test_whose_key_is_gone_fail_in_plain_words_and_change_nothing(location, settings):
    set_up(location, env={"A": secret("one")})
    settings.LASTGOOD_ENCRYPTION_KEYS = ["another"]

    failed = set_up(location, env={"B": "2"})

    assert (failed.status, failed.error["code"]) == (DeployStatus.FAILED, "settings_unreadable")
    assert "LASTGOOD_ENCRYPTION_KEYS" in failed.error["detail"]
    assert sourced(location, "A") == {"A": "one"}


def test_whose_key_is_gone_are_mended_by_pushing_the_same_secrets_again(location, settings):
    """The content is the same, so is the release: it must not keep what nobody can read."""
    set_up(location, env={"A": secret("one")})
    settings.LASTGOOD_ENCRYPTION_KEYS = ["another"]

    again = set_up(location, env={"A": secret("one")})

    assert again.status == DeployStatus.SUCCEEDED, again.error
    assert Release.objects.count() == 1
    assert sourced(location, "A") == {"A": "one"}


def test_are_read_with_an_older_key_that_is_still_listed(location, settings):
    first = list(settings.LASTGOOD_ENCRYPTION_KEYS)
    set_up(location, env={"A": secret("one")})
    settings.LASTGOOD_ENCRYPTION_KEYS = ["another", *first]

    made = set_up(location, env={"B": "2"})

    assert made.status == DeployStatus.SUCCEEDED
    assert sourced(location, "A", "B") == {"A": "one", "B": "2"}


def test_stand_encrypted_in_the_database(location):
    made = push_settings(location, env={"A": secret("one")})

    stored = Deploy.objects.get(pk=made.pk).parts["settings"]["env"]["A"]["sealed"]

    assert "one" not in stored
    assert secret_field.unseal(stored) == "one"


@pytest.mark.parametrize("path", [".lastgood/env", ".lastgood/settings.json", ".lastgood/x"])
def test_cannot_be_brought_by_a_file_of_their_name(tmp_path, path):
    planned = PlannedRelease(
        number=1,
        digest="a" * 64,
        fence=1,
        placed_at=noon(),
        files=[PlannedFile(path=path, mode=0o444, sha256="0" * 64, size=0)],
        open_blob=lambda sha256: pytest.fail(sha256),
        private={"env": b"A=1\n"},
    )

    with pytest.raises(TargetRefused) as refused:
        DirectoryTarget(tmp_path / "target").activate(planned, progress=lambda said: None)

    assert refused.value.code == "bad_path"


def test_are_not_written_twice_when_a_worker_died_after_its_swap(location):
    made = set_up(location, env={"A": "1"})
    written = (private(location) / "env").stat().st_mtime_ns
    Deploy.objects.filter(pk=made.pk).update(
        status="RUNNING", step="ACTIVATE", live_seq=None, finished_at=None, lease_owner="dead", lease_expires_at=noon()
    )

    execution.carry_out(made.pk, clock=noon)

    assert Deploy.objects.get(pk=made.pk).status == DeployStatus.SUCCEEDED
    assert (private(location) / "env").stat().st_mtime_ns == written
    assert lines(made).count("Wrote") == 1
