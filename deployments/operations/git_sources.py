"""Where a code location's code is fetched from: setting it up, pausing it, having it looked at now."""

from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import transaction

from deployments import drivers, sourcing, tasks
from deployments.access import Right, name_of, require
from deployments.bundles.manifest import check_mounts
from deployments.git.addresses import check_branch, check_folder
from deployments.git.base import GitRefused
from deployments.hosts import git_address
from deployments.locking import lock
from deployments.models import CodeLocation, GitSource
from portal.common.problems import NOT_FOUND_DETAIL, Absent, Invalid, Refusal

LONGEST_TOKEN, LONGEST_KEY = 2000, 20_000
# What is fetched: with another of these, what was fetched says nothing.
_WHAT = ("url", "branch", "folder", "mount")


class SourceRefused(Refusal):
    """A Git source that is not set up, or not looked at: its code says why."""


@dataclass(frozen=True)
class GitSettings:
    """What a Git source is made of. Of token and deploy key, None keeps what is set, and empty takes it away."""

    url: str
    branch: str = "main"
    folder: str = ""
    mount: str = "dags"
    known_hosts: str = ""
    poll_seconds: int = 60
    paused: bool = False
    token: str | None = None
    deploy_key: str | None = None
    rotate_hook_secret: bool = False


@dataclass(frozen=True)
class SetSource:
    """A Git source as it is now. `hook_secret` is told once, when it was made; None: it is the one that was told."""

    source: GitSource
    hook_secret: str | None
    created: bool


def set_source(*, location: CodeLocation, settings: GitSettings, actor: User, now: datetime) -> SetSource:
    """Have the location's code fetched from there, from now on. Raises NotAllowed, Invalid, SourceRefused.

    Its deploys are made in nobody's name, so that whoever sets it up must be allowed to deploy. What opens one server is
    forgotten when the address leads to another.
    """
    require(actor, Right.CONFIGURE, location.deployment)
    require(actor, Right.DEPLOY, location.deployment)
    if "bundles" not in drivers.puts_of(location):
        raise SourceRefused(
            f"The target of {location} puts no files in place: there is nothing to fetch them for.",
            code="nothing_to_put",
        )
    with transaction.atomic():
        lock(location.pk)
        found = GitSource.objects.filter(code_location=location).first()
        source = found or GitSource(code_location=location)
        was = {name: getattr(source, name) for name in _WHAT}
        moved = found is not None and _leads_elsewhere(found.url, settings.url)
        _write(source, settings, moved=moved)
        source.set_by_name = name_of(actor)
        _check(source)
        secret = sourcing.new_secret() if settings.rotate_hook_secret or moved or not source.hook_secret else None
        source.hook_secret = secret or source.hook_secret
        if found is None or was != {name: getattr(source, name) for name in _WHAT}:
            source.fetched_commit, source.error = "", None
        elif not sourcing.was_refused(source):
            source.error = None
        # Whoever is at it this moment has the old settings: what they bring is not taken any more.
        source.lease_expires_at, source.wanted_commit, source.failures, source.due_at = None, "", 0, now
        source.save()
        tasks.enqueue_fetching(source.pk)
    return SetSource(source, secret, created=found is None)


def remove_source(*, source: GitSource, actor: User) -> None:
    """Fetch no more. What was deployed stays. Raises NotAllowed."""
    require(actor, Right.CONFIGURE, source.code_location.deployment)
    source.delete()


def pause_source(*, source: GitSource, paused: bool, actor: User, now: datetime) -> GitSource:
    """Stop fetching until it is wanted again, or go on. Raises NotAllowed, Absent."""
    require(actor, Right.CONFIGURE, source.code_location.deployment)
    require(actor, Right.DEPLOY, source.code_location.deployment)
    with transaction.atomic():
        fields = {"paused": paused, "lease_expires_at": None, "due_at": now}
        if not GitSource.objects.filter(pk=source.pk).update(**fields):
            raise Absent(NOT_FOUND_DETAIL)
        if not paused:
            tasks.enqueue_fetching(source.pk)
    source.refresh_from_db()
    return source


def fetch_now(*, source: GitSource, actor: User, now: datetime) -> GitSource:
    """Have the branch looked at now; a head that was refused is tried again. Raises NotAllowed, Absent, SourceRefused."""
    require(actor, Right.DEPLOY, source.code_location.deployment)
    with transaction.atomic():
        current = GitSource.objects.select_for_update().filter(pk=source.pk).first()
        if current is None:
            raise Absent(NOT_FOUND_DETAIL)
        if current.paused:
            raise SourceRefused("This Git source is paused: let it go on first.", code="paused")
        again = {"fetched_commit": "", "error": None} if sourcing.was_refused(current) else {}
        GitSource.objects.filter(pk=source.pk).update(due_at=now, **again)
        tasks.enqueue_fetching(source.pk)
    source.refresh_from_db()
    return source


def _write(source: GitSource, settings: GitSettings, *, moved: bool) -> None:
    source.url, source.branch = settings.url.strip(), settings.branch.strip()
    source.folder, source.mount = settings.folder.strip().strip("/"), settings.mount.strip()
    source.known_hosts, source.poll_seconds = settings.known_hosts, settings.poll_seconds
    source.paused = settings.paused
    for name in ("token", "deploy_key"):
        said = getattr(settings, name)
        if said is not None:
            setattr(source, name, said.strip())
        elif moved:
            setattr(source, name, "")


def _leads_elsewhere(old: str, new: str) -> bool:
    try:
        return git_address(old).server != git_address(new.strip()).server
    except Invalid:
        # Where it led is not known any more, or where it leads is refused below.
        return True


def _check(source: GitSource) -> None:
    scheme = git_address(source.url).scheme
    for check, value, field in ((check_branch, source.branch, "branch"), (check_folder, source.folder, "folder")):
        try:
            check(value)
        except GitRefused as odd:
            raise Invalid(str(odd), code=odd.code, errors=[{"field": field, "detail": str(odd)}]) from odd
    check_mounts([source.mount])
    if scheme == "ssh":
        _check_ssh(source)
    elif source.deploy_key:
        raise _odd("deploy_key", "A deploy key is for ssh addresses: give a token for this one.")
    if source.token and (scheme not in {"http", "https"} or len(source.token) > LONGEST_TOKEN):
        raise _odd("token", "A token is for https addresses, and not that long: give a deploy key for this one.")
    if source.token and not (source.token.isascii() and source.token.isprintable()):
        raise _odd("token", "This token has letters that no token has.")
    try:
        source.full_clean(exclude=["code_location", "hook_secret"], validate_unique=False, validate_constraints=False)
    except ValidationError as wrong:
        errors = [{"field": name, "detail": " ".join(words)} for name, words in wrong.message_dict.items()]
        raise Invalid(" ".join(f"{each['field']}: {each['detail']}" for each in errors), errors=errors) from wrong


def _check_ssh(source: GitSource) -> None:
    if "PRIVATE KEY-----" not in source.deploy_key or len(source.deploy_key) > LONGEST_KEY:
        raise _odd("deploy_key", "An ssh address needs a private deploy key, as `ssh-keygen` writes it.")
    if not source.known_hosts.strip() or len(source.known_hosts) > LONGEST_KEY:
        raise _odd("known_hosts", "An ssh address needs the server's own keys, as known_hosts has them.")


def _odd(field: str, detail: str) -> Invalid:
    return Invalid(detail, code=f"bad_{field}", errors=[{"field": field, "detail": detail}])
