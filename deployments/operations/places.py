"""Making places: organizations, deployments, code locations."""

import json
import shlex
from typing import Any
from urllib.parse import urlsplit

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import IntegrityError, models, transaction
from django.utils import timezone

from deployments.access import Right, require, require_superuser
from deployments.hosts import refuse_foreign_platform, refuse_foreign_webhook
from deployments.models import CodeLocation, Deployment, Organization, PlatformWatch
from deployments.operations.connecting import checked_headers
from deployments.platforms.airflow import LOCATION
from deployments.states import PlatformKind, TargetKind
from portal.common.problems import Invalid, Refusal

# What touches the host is a superuser's to set, through the admin.
HOST_FIELDS = ("target", "target_root", "workspace_file", "activation_command", "command_patience")
# Secrets that are shown to one place only: with another address they are forgotten.
SECRETS_OF = {
    "platform_url": ("platform_headers", "platform_password"),
    "webhook_url": ("webhook_secret",),
    "registry": ("registry_password",),
}
# With any of these it is another connection: it is tried at once.
CONNECTION = {
    "platform",
    "platform_url",
    "platform_headers",
    "platform_user",
    "platform_password",
    "dag_bundle",
    "poll_seconds",
}


class NameTaken(Refusal):
    """Something of this name is there already."""

    code = "name_taken"


def create_organization(*, slug: str, name: str, actor: User) -> Organization:
    """Create a tenant. Raises NotAllowed, Invalid, NameTaken."""
    require_superuser(actor, "create organizations")
    return _save(Organization(slug=slug, name=name), f"There is an organization {slug} already.")


def create_deployment(*, organization: Organization, actor: User, **fields: Any) -> Deployment:
    """Create a place where pipelines run. Raises NotAllowed, Invalid, NameTaken."""
    require(actor, Right.ADMINISTER, organization)
    fields = _said(fields)
    deployment = Deployment(organization=organization, **fields)
    _check(deployment, fields, actor)
    with transaction.atomic():
        made = _save(deployment, f"There is a deployment {deployment.slug} in {organization} already.")
        _add_only_location(made)
    return made


def change_deployment(*, deployment: Deployment, actor: User, **fields: Any) -> Deployment:
    """Change what its administrators may change. Raises NotAllowed, Invalid."""
    require(actor, Right.CONFIGURE, deployment)
    fields = _said(fields)
    # As it is stored: a form has written into the object before it comes here.
    stored = Deployment.objects.get(pk=deployment.pk)
    for address, secrets in SECRETS_OF.items():
        moved = address in fields and _server(fields[address]) != _server(getattr(stored, address))
        if moved:
            fields = {**dict.fromkeys(secrets, ""), **fields}
    for name, value in fields.items():
        setattr(deployment, name, value)
    _check(deployment, fields, actor)
    changed = _save(deployment, f"{deployment} cannot have that name: it is taken.", only=list(fields))
    if "platform" in fields:
        _add_only_location(changed)
    if CONNECTION & fields.keys():
        # Whoever has just connected it wants to see it at once.
        PlatformWatch.objects.filter(deployment=changed).update(
            due_at=timezone.now(), failures=0, unreachable_since=None, error=None, introduced_at=None
        )
    return changed


def create_code_location(*, deployment: Deployment, name: str, actor: User) -> CodeLocation:
    """Create a unit that is deployed, named as its platform names it. Raises NotAllowed, Invalid, NameTaken."""
    require(actor, Right.CONFIGURE, deployment)
    return _save(
        CodeLocation(deployment=deployment, name=name),
        f"There is a code location {name} in {deployment} already.",
    )


def _add_only_location(deployment: Deployment) -> None:
    """Give an Airflow the one code location that it has: the first deploy needs it, before Airflow was ever seen."""
    if deployment.platform == PlatformKind.AIRFLOW:
        CodeLocation.objects.get_or_create(deployment=deployment, name=LOCATION)


def _said(fields: dict[str, Any]) -> dict[str, Any]:
    """Take an emptied list, which a form says as nothing, for an empty one; and headers as they are stored."""
    if "ignored_metadata" in fields:
        fields = {**fields, "ignored_metadata": fields["ignored_metadata"] or []}
    if isinstance(headers := fields.get("platform_headers"), dict):
        fields = {**fields, "platform_headers": json.dumps(checked_headers(headers)) if headers else ""}
    return fields


def _server(address: str) -> str:
    """Answer which server an address leads to."""
    parts = urlsplit(address)
    # With its scheme: what was told to a server over TLS is not told to it in clear.
    return f"{parts.scheme}://{parts.netloc}".casefold() if parts.netloc else address.casefold()


def _check(deployment: Deployment, fields: dict[str, Any], actor: User) -> None:
    if any(name in fields for name in HOST_FIELDS):
        require_superuser(actor, "choose a target's folder, or what runs on its host")
    if fields.get("activation_command"):
        _refuse_unusable(fields["activation_command"])
    if fields.get("platform_url"):
        refuse_foreign_platform(deployment.platform_url)
    if fields.get("webhook_url"):
        refuse_foreign_webhook(deployment.webhook_url)
    if deployment.target == TargetKind.WORKSPACE and not deployment.workspace_file:
        raise Invalid("Name the workspace.yaml whose entries are to be changed.", code="workspace_file_missing")


def _refuse_unusable(command: str) -> None:
    """Refuse a command that could never be run. Raises Invalid."""
    try:
        words = shlex.split(command)
    except ValueError as odd:
        raise Invalid(f"The command cannot be taken apart into words: {odd}.", code="bad_command") from odd
    if not words or not command.isprintable():
        raise Invalid("The command has no words, or letters in it that cannot be seen.", code="bad_command")


def _save[Row: models.Model](row: Row, taken: str, only: list[str] | None = None) -> Row:
    try:
        # Names are checked for being free by the database, below: only it can.
        row.full_clean(validate_unique=False, validate_constraints=False)
        with transaction.atomic():
            # Of a change, only what it changes: somebody else may be changing the rest.
            row.save(update_fields=only)
    except ValidationError as wrong:
        errors = [{"field": name, "detail": " ".join(words)} for name, words in wrong.message_dict.items()]
        raise Invalid(" ".join(f"{each['field']}: {each['detail']}" for each in errors), errors=errors) from wrong
    except IntegrityError as clash:
        raise NameTaken(taken) from clash
    return row
