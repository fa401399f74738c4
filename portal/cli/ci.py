"""What the CI system says about the commit, where git cannot: shallow, detached, or no checkout."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from .gitdata import GitData, public_url

Environment = Mapping[str, str]


def from_environment(environment: Environment) -> GitData:
    """Return what the CI system at work, if there is one, tells in its variables."""
    for sign, read in _SYSTEMS.items():
        if environment.get(sign):
            return read(environment)
    return GitData()


def _github(env: Environment) -> GitData:
    server, repository = env.get("GITHUB_SERVER_URL"), env.get("GITHUB_REPOSITORY")
    branch = env.get("GITHUB_HEAD_REF") or _if_branch(env.get("GITHUB_REF"))
    return GitData(
        commit=env.get("GITHUB_SHA") or None,
        branch=branch,
        url=public_url(f"{server}/{repository}") if server and repository else None,
        author=env.get("GITHUB_ACTOR") or None,
    )


def _gitlab(env: Environment) -> GitData:
    return GitData(
        commit=env.get("CI_COMMIT_SHA") or None,
        branch=env.get("CI_MERGE_REQUEST_SOURCE_BRANCH_NAME") or env.get("CI_COMMIT_BRANCH") or None,
        url=public_url(env.get("CI_PROJECT_URL")),
        author=_without_address(env.get("CI_COMMIT_AUTHOR")),
        message=env.get("CI_COMMIT_TITLE") or None,
        committed_at=env.get("CI_COMMIT_TIMESTAMP") or None,
    )


def _bitbucket(env: Environment) -> GitData:
    return GitData(
        commit=env.get("BITBUCKET_COMMIT") or None,
        branch=env.get("BITBUCKET_BRANCH") or None,
        url=public_url(env.get("BITBUCKET_GIT_HTTP_ORIGIN")),
    )


def _jenkins(env: Environment) -> GitData:
    branch = env.get("CHANGE_BRANCH") or env.get("GIT_BRANCH") or env.get("BRANCH_NAME") or ""
    return GitData(
        commit=env.get("GIT_COMMIT") or None,
        branch=branch.removeprefix("origin/") or None,
        url=public_url(env.get("GIT_URL")),
    )


def _circleci(env: Environment) -> GitData:
    return GitData(
        commit=env.get("CIRCLE_SHA1") or None,
        branch=env.get("CIRCLE_BRANCH") or None,
        url=public_url(env.get("CIRCLE_REPOSITORY_URL")),
        author=env.get("CIRCLE_USERNAME") or None,
    )


def _azure(env: Environment) -> GitData:
    pulled = env.get("SYSTEM_PULLREQUEST_SOURCEBRANCH")
    return GitData(
        commit=env.get("BUILD_SOURCEVERSION") or None,
        branch=_if_branch(pulled or env.get("BUILD_SOURCEBRANCH")),
        url=public_url(env.get("BUILD_REPOSITORY_URI")),
        author=env.get("BUILD_SOURCEVERSIONAUTHOR") or None,
        message=env.get("BUILD_SOURCEVERSIONMESSAGE") or None,
    )


_SYSTEMS: dict[str, Callable[[Environment], GitData]] = {
    "GITHUB_ACTIONS": _github,
    "GITLAB_CI": _gitlab,
    "BITBUCKET_BUILD_NUMBER": _bitbucket,
    "JENKINS_URL": _jenkins,
    "CIRCLECI": _circleci,
    "TF_BUILD": _azure,
}


def _if_branch(reference: str | None) -> str | None:
    """Return the branch of a full reference; None for a tag or a merge of a pull request."""
    prefix = "refs/heads/"
    return reference.removeprefix(prefix) if reference and reference.startswith(prefix) else None


def _without_address(author: str | None) -> str | None:
    return re.sub(r"\s*<[^<>]*>\s*$", "", author) or None if author else None
