"""Two tenants with the same names in them, and whoever comes to visit."""

import json
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from deployments import access, composition, operations
from deployments.access import Role
from deployments.loads import write_load
from deployments.models import (
    AlertChannel,
    CodeLocation,
    Deploy,
    Deployment,
    GitSource,
    Load,
    Organization,
    RemoteAgent,
    ServiceAccount,
    Token,
)
from deployments.platforms.base import LocationReport
from deployments.states import DeployStatus
from tests.assets.sets import asset, define, record
from tests.factories import ask_rollback, fresh, make_location, make_organization, make_user, push, superuser

FOREIGN_WORDS = "globex-only"
ASSET = "orders"
AGENT, RUNTIME = "worker-1", "3.1-2"
# What answering may write by itself: when a token was last seen, a person last here.
NOT_COMPARED = {"last_used_at", "last_login"}

# The oracle, written down a second time on purpose: the product's own table is what is being tested.
HOLDS = {
    "viewer": {"view"},
    "deployer": {"view", "deploy_to"},
    "editor": {"view", "deploy_to", "roll_back"},
    "admin": {"view", "deploy_to", "roll_back", "configure"},
    "organization_admin": {"view", "deploy_to", "roll_back", "configure", "administer"},
}
GRANTED = [
    f"{name}@{level}"
    for name in ("viewer", "deployer", "deployer-account", "editor", "admin")
    for level in ("deployment", "organization")
]
ROLES = [
    "anonymous",
    "deactivated",
    "stranger",
    "foreign-organization_admin",
    *GRANTED,
    "organization_admin@organization",
    "superuser",
]
NOBODY = {"anonymous", "deactivated"}
SIGNED_IN = [role for role in ROLES if role not in NOBODY]


def roles_for(number: int, among: list[str] = ROLES) -> list[str]:
    """Answer the roles that the row of this number is tried with: each at one level, with the next row at the other.

    Which of both it was is decided in one place for all routes, so that the rows take turns.
    """
    turns = {name for turn, name in enumerate(GRANTED) if (turn + turn // 2 + number) % 2}
    return [role for role in among if role not in turns]


@dataclass(frozen=True)
class Place:
    """The three names of an address."""

    org: str = "acme"
    deployment: str = "production"
    location: str = "shop"
    channel: str = "on-call"


OWN = Place()
SIBLING = Place(deployment="staging")
FOREIGN = Place(org="globex")
ABSENT = [Place(org="absent"), Place(deployment="absent"), Place(location="absent")]


@dataclass(frozen=True)
class Scene:
    """Two organizations; `production` and `staging` in ours, `production` in the other."""

    acme: Organization
    globex: Organization
    production: Deployment
    # Who was made with it: by role, the account, the header of a token and a session.
    visitors: dict[str, tuple[User | None, dict[str, str], str]] = field(default_factory=dict)


def with_visitors(scene: Scene) -> Scene:
    """Answer the scene with a visitor of every role, who has a token and is signed in."""
    for role in ROLES:
        user = visitor(role, scene)
        browser = Client()
        if user is not None:
            browser.force_login(user)
        session = browser.cookies[settings.SESSION_COOKIE_NAME].value if user is not None else ""
        scene.visitors[role] = (user, bearer(user), session)
    User.objects.filter(username="deactivated").update(is_active=False)
    return scene


def make_scene() -> Scene:
    """Make both tenants. The unseen has the same names and numbers as the seen: only rights tell them apart."""
    acme, globex = make_organization("acme"), make_organization("globex")
    production = Deployment.objects.create(organization=acme, slug="production", name="acme-words")
    staging = Deployment.objects.create(organization=acme, slug="staging", name="staging-only")
    foreign = Deployment.objects.create(organization=globex, slug="production", name=FOREIGN_WORDS)
    for deployment, words in ((production, "acme-words"), (staging, "staging-only"), (foreign, FOREIGN_WORDS)):
        _fill(make_location(deployment, "shop"), words)
        _fetched(CodeLocation.objects.get(deployment=deployment, name="shop"), words)
        _busy(make_location(deployment, "busy"))
        _held(make_location(deployment, "held"))
        _told(deployment, words)
        # At the version of every release: else it would bar rollbacks.
        RemoteAgent.objects.create(
            deployment=deployment, name=AGENT, version=RUNTIME, reported_at=timezone.now(), reported_by_name=words
        )
        _manned(deployment, str(deployment).replace("/", "-"))
    for organization in (acme, globex):
        _manned(organization, organization.slug)
        machine = operations.create_service_account(
            organization=organization, name="robot", actor=superuser(), now=timezone.now()
        )
        Token.objects.create(user=machine.user, name="robot", expiry=timedelta(days=1))
    make_user("mia")
    return Scene(acme, globex, production)


def _fill(location: CodeLocation, words: str) -> None:
    """Make #1 and #2, which succeeded, and define an asset; #3, which failed; and #4, a rollback that was canceled."""
    for number in (1, 2):
        _live(push(location, {"a.py": f"{words} {number}".encode()}, description=words, git={"commit": "a" * 40}))
        location = fresh(location)
        record(location.live_deploy, define(asset(ASSET, description=f"{words} {number}")))
    _load(location, words)
    _end(push(location, {"a.py": f"{words} 3".encode()}, description=words), DeployStatus.FAILED)
    rollback = ask_rollback(location, 1, description=words)
    operations.cancel(deploy=rollback, actor=superuser(), now=timezone.now())


def _busy(location: CodeLocation) -> None:
    """Make #1, which is live; #2, a rollback that is queued; #3, a push that is queued."""
    _live(push(location, {"a.py": b"1"}))
    ask_rollback(fresh(location), 1)
    push(location, {"a.py": b"3"})


def _held(location: CodeLocation) -> None:
    """Make #1, which is live, and hold the location."""
    _live(push(location, {"a.py": b"1"}))
    operations.hold(location=location, reason="Wait.", actor=superuser(), now=timezone.now())


def _load(location: CodeLocation, words: str) -> None:
    """Make what the platform would have reported of the live deploy."""
    report = LocationReport("key-1", "server-1", None, "d" * 64, 1, metadata={"note": words}, placeless={"note": words})
    with transaction.atomic():
        write_load(fresh(location), report, deploy=location.live_deploy, now=timezone.now())


def load_at(place: Place) -> int:
    """Answer the id of the place's newest load; where there is none, one that is nobody's."""
    found = Load.objects.filter(
        code_location__name=place.location,
        code_location__deployment__slug=place.deployment,
        code_location__deployment__organization__slug=place.org,
    )
    return found.order_by("-pk").values_list("pk", flat=True).first() or 999_999


def _fetched(location: CodeLocation, words: str) -> None:
    """Make a repository that the location's code comes from."""
    GitSource.objects.create(
        code_location=location,
        url="https://localhost/acme/shop.git",
        folder=words,
        hook=f"hook-{location.pk}",
        hook_secret="s",
        set_by_name="root",
    )


def _told(deployment: Deployment, words: str) -> None:
    """Make somebody who is told by e-mail, while this portal cannot send any."""
    channel = AlertChannel.objects.create(
        deployment=deployment, name="on-call", kind="email", address=f"{words}@example.com", created_by_name="root"
    )
    now = timezone.now()
    channel.notifications.create(subject="test:1", title=f"Test {words}", body=words, due_at=now, created_at=now)


def _manned(place: Organization | Deployment, words: str) -> None:
    """Make a member, and somebody who is invited."""
    give(make_user(f"{words}-member"), "viewer", place)
    operations.invite(
        email=f"{words}-member@example.com", role=Role.VIEWER, place=place, actor=superuser(), now=timezone.now()
    )


def _live(deploy: Deploy) -> None:
    """Write what the pipeline would have written: carrying out is not what is looked at here."""
    location = fresh(deploy.code_location)
    bundles = {bundle.digest: bundle for bundle in deploy.bundles.all()}
    composed = composition.compose(location.live_deploy, composition.parts_by_name(deploy), bundles=bundles)
    release = composition.release_of(location, replace(composed, runtime_version=RUNTIME))
    _end(deploy, DeployStatus.SUCCEEDED, release=release, live_seq=location.next_live_seq, activated_at=timezone.now())
    pointers = {"wanted_deploy": deploy, "placed_deploy": deploy, "live_deploy": deploy}
    CodeLocation.objects.filter(pk=location.pk).update(**pointers, next_live_seq=F("next_live_seq") + 1)


def _end(deploy: Deploy, status: DeployStatus, **fields: Any) -> None:
    Deploy.objects.filter(pk=deploy.pk).update(status=status, finished_at=timezone.now(), **fields)


def visitor(role: str, scene: Scene) -> User | None:
    """Make the account of this role; None: nobody."""
    if role == "anonymous":
        return None
    if role == "superuser":
        return superuser()
    user = make_user(role)
    name, _, level = role.partition("@")
    if name.endswith("-account"):
        ServiceAccount.objects.create(user=user, organization=scene.acme, name=level, created_by_name="root")
    if name == "foreign-organization_admin":
        give(user, "organization_admin", scene.globex)
    elif name in ("deactivated", "deployer-account") or name in HOLDS:
        named = {"deactivated": "organization_admin", "deployer-account": "deployer"}.get(name, name)
        give(user, named, scene.production if level == "deployment" else scene.acme)
    return user


def give(user: User, role: str, on: Organization | Deployment) -> None:
    """Grant the role, as a superuser would."""
    access.grant(user=user, role=Role(role), on=on, actor=superuser())


def holds(role: str, right: str) -> bool:
    """Say whether this role holds the right on the scene's own deployment."""
    name = role.partition("@")[0].removesuffix("-account")
    return role == "superuser" or right in HOLDS.get(name, set())


def bearer(user: User | None, **fields: Any) -> dict[str, str]:
    """Answer the header of a new token of this account; of a deactivated one, if it is nobody's any more."""
    if user is None:
        return {}
    _, token = Token.objects.create(user=user, name="matrix", expiry=timedelta(days=1), **fields)
    return {"Authorization": f"Bearer {token}"}


def enter(role: str, scene: Scene) -> dict[str, str]:
    """Answer the header that the role's visitor sends, who is made if nobody of this role is there."""
    if role in scene.visitors:
        return scene.visitors[role][1]
    user = visitor(role, scene)
    headers = bearer(user)
    if user is not None and role == "deactivated":
        User.objects.filter(pk=user.pk).update(is_active=False)
    return headers


def send(client: Client, method: str, url: str, body: Any = None, headers: dict[str, str] | None = None) -> Any:
    """Send one request to the API: bytes as they are, all else as JSON."""
    raw = isinstance(body, bytes)
    content = body if raw else b"" if body is None else json.dumps(body)
    kind = "application/octet-stream" if raw else "application/json"
    return client.generic(method, url, content, content_type=kind, headers=headers or {})


def content_of(response: HttpResponse) -> bytes:
    """Answer the whole body, streamed or not."""
    return b"".join(response) if response.streaming else response.content


def snapshot() -> dict[str, list[Any]]:
    """Answer every row of the project, to be compared with what is there later."""
    models = [*apps.get_app_config("deployments").get_models(), *apps.get_app_config("assets").get_models(), User]
    return {model.__name__: _rows(model) for model in models}


def _rows(model: Any) -> list[Any]:
    names = [field.attname for field in model._meta.concrete_fields if field.name not in NOT_COMPARED]
    return list(model._default_manager.order_by("pk").values_list(*names))
