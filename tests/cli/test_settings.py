"""Settings on the command line: what is sent, what is secret, and what is refused without being repeated."""

from __future__ import annotations

from pathlib import Path

import pytest
from lastgood.exits import Misuse
from lastgood.settings import collect, read_env_file

from .scripted_portal import answer


@pytest.fixture
def env_file(tmp_path: Path) -> Path:
    path = tmp_path / ".env"
    path.write_text(
        '# the warehouse\nexport PASSWORD=\'s3cr et #1\'\nREGION=eu-west # where\nEMPTY=\nQUOTED="a \\"b\\" $c"\n\n'
    )
    return path


def test_an_env_file_is_read_as_shells_do_and_expands_nothing(env_file: Path):
    assert read_env_file(env_file) == {
        "PASSWORD": "s3cr et #1",
        "REGION": "eu-west",
        "EMPTY": "",
        "QUOTED": 'a "b" $c',
    }


def test_a9_variables_of_a_file_are_secrets_unless_said_otherwise(env_file: Path):
    found = collect(env_file, ["REGION"], [], [])
    assert found is not None
    assert found["env"]["PASSWORD"] == {"value": "s3cr et #1", "secret": True}
    assert found["env"]["REGION"] == {"value": "eu-west", "secret": False}


def test_settings_go_to_their_group_as_what_they_are():
    assert collect(
        None,
        [],
        [
            "executor=CeleryExecutor",
            "dag_deploy_enabled=false",
            "airflow_version=3.10",
            "workers=4",
            "owner=data",
            "env.A=1",
        ],
        ["env.OLD", "scheduler", "cost"],
    ) == {
        "runtime": {
            "executor": "CeleryExecutor",
            "dag_deploy_enabled": False,
            "airflow_version": "3.10",
            "workers": 4,
            "scheduler": None,
        },
        "free": {"owner": "data", "cost": None},
        "env": {"A": {"value": "1", "secret": False}, "OLD": None},
    }


def test_nothing_named_is_nothing_sent():
    assert collect(None, [], [], []) is None


@pytest.mark.parametrize("line", ["hunter2 without a sign", "1BAD=hunter2", "OPEN='hunter2", "X='hunter2' and more"])
def test_a_line_that_cannot_be_read_is_named_by_its_number_alone(tmp_path: Path, line: str):
    path = tmp_path / "env"
    path.write_text(f"GOOD=1\n{line}\n")
    with pytest.raises(Misuse) as refused:
        read_env_file(path)
    assert "Line 2" in str(refused.value)
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    ("settings", "unset"), [(["a=1", "a=2"], []), (["a=1"], ["a"]), (["nothing"], []), (["=1"], [])]
)
def test_what_is_named_twice_or_has_no_value_is_refused(settings: list[str], unset: list[str]):
    with pytest.raises(Misuse):
        collect(None, [], settings, unset)


def test_plain_without_a_file_and_a_name_that_is_not_in_it_are_refused(env_file: Path):
    for file, plain in ((None, ["A"]), (env_file, ["NOT_THERE"])):
        with pytest.raises(Misuse):
            collect(file, plain, [], [])


def test_a_deploy_of_settings_alone_sends_them(ask, portal, env_file: Path):
    portal.script(answer({"number": 4, "status": "QUEUED"}, 202))

    done = ask("deploy", "acme/prod/default", "--env-file", env_file, "--setting", "executor=LocalExecutor")

    assert done.exit_code == 0, done.output
    body = portal.requests[-1].document
    assert body["settings"]["env"]["PASSWORD"] == {"value": "s3cr et #1", "secret": True}
    assert body["settings"]["runtime"] == {"executor": "LocalExecutor"}
    assert "s3cr" not in done.output
