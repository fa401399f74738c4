"""What git and CI tell of a commit."""

from __future__ import annotations

from pathlib import Path

import pytest
from lastgood.ci import from_environment
from lastgood.git import Uncommitted, check_committed, describe
from lastgood.gitdata import GitData, public_url

from .conftest import Git

GITHUB = {
    "GITHUB_ACTIONS": "true",
    "GITHUB_SHA": "c0ffee",
    "GITHUB_REF": "refs/heads/release",
    "GITHUB_SERVER_URL": "https://github.example",
    "GITHUB_REPOSITORY": "acme/pipelines",
    "GITHUB_ACTOR": "ada",
}


def test_tells_commit_branch_url_author_subject_and_time(git: Git, checkout: Path) -> None:
    git("remote", "add", "origin", "https://ada:hunter2@git.example/acme/pipelines.git")

    found = describe(checkout / "dags", {})

    assert found == GitData(
        commit=git("rev-parse", "HEAD"),
        branch="main",
        url="https://git.example/acme/pipelines.git",
        author="Ada Example",
        message="Add orders",
        committed_at=git("log", "-1", "--format=%cI"),
    )
    assert found.committed_at


def test_tells_nothing_where_there_is_no_repository(tmp_path: Path) -> None:
    assert describe(tmp_path, {}).known() == {}


def test_tells_nothing_where_there_is_no_git(checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))

    assert describe(checkout, {}).known() == {}
    assert check_committed([checkout], force=False)


def test_reads_the_directory_s_own_repository_inside_a_hook(
    git: Git, checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))

    assert describe(checkout, {}).message == "Add orders"


def test_takes_the_branch_from_ci_when_the_checkout_is_detached(git: Git, checkout: Path) -> None:
    git("checkout", "-q", "--detach")
    head = git("rev-parse", "HEAD")

    assert describe(checkout, {**GITHUB, "GITHUB_SHA": head}).branch == "release"
    assert describe(checkout, {**GITHUB, "GITHUB_SHA": head}).url == "https://github.example/acme/pipelines"


def test_keeps_its_own_branch_when_there_is_one(git: Git, checkout: Path) -> None:
    found = describe(checkout, {**GITHUB, "GITHUB_SHA": git("rev-parse", "HEAD")})

    assert (found.branch, found.author) == ("main", "Ada Example")


def test_takes_the_branch_of_a_merge_that_ci_made_in_the_same_repository(git: Git, checkout: Path) -> None:
    git("remote", "add", "origin", "git@github.example:acme/pipelines.git")
    git("checkout", "-q", "--detach")

    assert describe(checkout, GITHUB).branch == "release"


def test_does_not_mix_ci_s_repository_with_another_one(git: Git, checkout: Path) -> None:
    git("checkout", "-q", "--detach")

    found = describe(checkout, GITHUB)

    assert (found.branch, found.url) == (None, None)


def test_takes_all_from_ci_without_a_repository(tmp_path: Path) -> None:
    assert describe(tmp_path, GITHUB).known() == {
        "commit": "c0ffee",
        "branch": "release",
        "url": "https://github.example/acme/pipelines",
        "author": "ada",
    }


@pytest.mark.parametrize(
    ("environment", "branch"),
    [
        ({**GITHUB, "GITHUB_HEAD_REF": "feature"}, "feature"),
        ({**GITHUB, "GITHUB_REF": "refs/tags/v1"}, None),
        ({**GITHUB, "GITHUB_REF": "refs/pull/7/merge"}, None),
        ({"GITLAB_CI": "true", "CI_COMMIT_BRANCH": "main"}, "main"),
        ({"GITLAB_CI": "true", "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME": "feature"}, "feature"),
        ({"GITLAB_CI": "true", "CI_COMMIT_TAG": "v1", "CI_COMMIT_REF_NAME": "v1"}, None),
        ({"BITBUCKET_BUILD_NUMBER": "7", "BITBUCKET_BRANCH": "main"}, "main"),
        ({"JENKINS_URL": "x", "GIT_BRANCH": "origin/main"}, "main"),
        ({"JENKINS_URL": "x", "GIT_BRANCH": "PR-7", "CHANGE_BRANCH": "feature"}, "feature"),
        ({"CIRCLECI": "true", "CIRCLE_BRANCH": "main"}, "main"),
        ({"TF_BUILD": "True", "BUILD_SOURCEBRANCH": "refs/heads/main"}, "main"),
        ({"TF_BUILD": "True", "BUILD_SOURCEBRANCH": "refs/tags/v1"}, None),
        ({"GIT_BRANCH": "origin/main"}, None),
    ],
)
def test_knows_the_branch_in_each_ci_system(environment: dict[str, str], branch: str | None) -> None:
    assert from_environment(environment).branch == branch


def test_reads_the_other_fields_of_each_ci_system() -> None:
    gitlab = from_environment(
        {
            "GITLAB_CI": "true",
            "CI_COMMIT_SHA": "c0ffee",
            "CI_PROJECT_URL": "https://gitlab.example/acme/etl",
            "CI_COMMIT_AUTHOR": "Ada Example <ada@example.com>",
            "CI_COMMIT_TITLE": "Add orders",
            "CI_COMMIT_TIMESTAMP": "2026-11-21T13:00:00+01:00",
        }
    )
    azure = from_environment(
        {"TF_BUILD": "True", "BUILD_SOURCEVERSION": "c0ffee", "BUILD_REPOSITORY_URI": "https://acme@dev.example/etl"}
    )

    assert gitlab == GitData(
        "c0ffee",
        None,
        "https://gitlab.example/acme/etl",
        "Ada Example",
        "Add orders",
        "2026-11-21T13:00:00+01:00",
    )
    assert azure == GitData("c0ffee", url="https://dev.example/etl")


@pytest.mark.parametrize(
    ("url", "public"),
    [
        ("https://user:token@git.example/a/b.git", "https://git.example/a/b.git"),
        ("https://ghp_token@git.example/a/b", "https://git.example/a/b"),
        ("https://git.example:8443/a/b?private_token=x#y", "https://git.example:8443/a/b"),
        ("ssh://git@git.example:2222/a/b.git", "ssh://git@git.example:2222/a/b.git"),
        ("ssh://git:secret@git.example/a/b.git", "ssh://git@git.example/a/b.git"),
        ("ssh://token@git.example/a/b.git", "ssh://git.example/a/b.git"),
        ("git@git.example:a/b.git", "git@git.example:a/b.git"),
        ("user:secret@git.example:a/b.git", None),
        ("/srv/git/b.git", None),
        ("file:///srv/git/b.git", None),
        ("javascript:alert(1)", None),
        ("https://git.example:port/a", None),
        ("https://[git.example/a", None),
        ("", None),
        (None, None),
    ],
)
def test_never_passes_on_credentials(url: str | None, public: str | None) -> None:
    assert public_url(url) == public


def test_shortens_a_subject_that_is_a_whole_paragraph() -> None:
    message = GitData(message="word " * 200).message

    assert message is not None
    assert len(message) == 250
    assert message.endswith("…")


@pytest.mark.parametrize("odd", ["", "yesterday", "2026-11-21", "2026-11-21T13:00:00", "12026-11-21T13:00:00+01:00"])
def test_does_not_pass_on_what_is_no_usual_time(odd: str) -> None:
    assert "committed_at" not in GitData(commit="c0ffee", committed_at=odd).known()


@pytest.mark.parametrize("change", ["edit", "add", "delete", "stage", "rename"])
def test_refuses_what_is_not_committed(git: Git, checkout: Path, change: str) -> None:
    dags = checkout / "dags"
    if change in ("edit", "stage"):
        (dags / "orders.py").write_text("orders = 2\n")
    if change == "stage":
        git("add", ".")
    if change == "add":
        (dags / "new.py").write_text("new = 1\n")
    if change == "delete":
        (dags / "orders.py").unlink()
    if change == "rename":
        git("mv", "dags/orders.py", "dags/sales.py")

    with pytest.raises(Uncommitted, match=r"\.py"):
        check_committed([dags], force=False)
    assert not check_committed([dags], force=True)


def test_does_not_care_for_what_is_not_deployed(git: Git, checkout: Path) -> None:
    (checkout / "README.md").write_text("new\n")
    (checkout / "dags" / "__pycache__").mkdir()
    (checkout / "dags" / "__pycache__" / "orders.cpython-313.pyc").write_text("x")
    (checkout / "dags" / ".lastgoodignore").write_text("notes.txt\n")
    (checkout / "dags" / "notes.txt").write_text("mine\n")

    assert check_committed([checkout / "dags"], force=False)


def test_names_only_the_first_of_many(checkout: Path) -> None:
    for number in range(8):
        (checkout / "dags" / f"new{number}.py").write_text("x\n")

    with pytest.raises(Uncommitted, match="and 3 more"):
        check_committed([checkout / "dags"], force=False)
