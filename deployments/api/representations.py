"""How rows look outside. The contract's names."""

import re
from typing import Any, cast

from rest_framework import serializers

from deployments.access import Right, allows
from deployments.commits import commit_url
from deployments.drivers import target_path
from deployments.history import hold_of
from deployments.last_known_good import last_known_good, obstacle_to_restoring
from deployments.models import CodeLocation, Deploy, DeployEvent, Deployment, Hold, Organization, Release
from deployments.models.places import slug_rule
from deployments.states import ActorKind, DeployKind, DeployStatus


class OrganizationOut(serializers.ModelSerializer[Organization]):
    """An organization."""

    class Meta:
        model = Organization
        fields = ["slug", "name", "created_at"]
        read_only_fields = ["created_at"]
        # Whether a name is free is the operation's to say, in the words of every other place.
        extra_kwargs = {"slug": {"validators": [slug_rule]}}


class DeploymentOut(serializers.ModelSerializer[Deployment]):
    """A deployment. `place` is how the command line names it."""

    organization = serializers.SlugRelatedField[Organization](slug_field="slug", read_only=True)
    place = serializers.CharField(source="__str__", read_only=True)
    ignored_metadata = serializers.ListField(
        child=serializers.CharField(max_length=200),
        max_length=100,
        required=False,
        help_text="Labels of asset metadata that do not count as changes.",
    )

    class Meta:
        model = Deployment
        fields = [
            "place",
            "organization",
            "slug",
            "name",
            "platform",
            "platform_url",
            "target",
            "retention_days",
            "ignored_metadata",
            "created_at",
        ]
        read_only_fields = ["target", "created_at"]


class DeploymentIn(DeploymentOut):
    """What can be said of a new deployment."""

    class Meta(DeploymentOut.Meta):
        fields = ["slug", "name", "platform", "platform_url", "retention_days", "ignored_metadata"]


class DeploymentChange(DeploymentIn):
    """What can be changed of a deployment. Its slug stays: others hold its address."""

    class Meta(DeploymentIn.Meta):
        fields = ["name", "platform", "platform_url", "retention_days", "ignored_metadata"]


class HoldOut(serializers.ModelSerializer[Hold]):
    """A hold in force."""

    created_by = serializers.CharField(source="created_by_name")
    deploy = serializers.SlugRelatedField[Deploy](
        slug_field="number", read_only=True, help_text="The rollback that holds."
    )

    class Meta:
        model = Hold
        fields = ["reason", "created_at", "created_by", "until", "deploy"]


class HoldIn(serializers.Serializer[Any]):
    """Why, and until when."""

    reason = serializers.CharField(max_length=2000)
    until = serializers.DateTimeField(required=False, allow_null=True)


class CodeLocationIn(serializers.Serializer[Any]):
    """A new code location."""

    name = serializers.CharField(max_length=128)


class CodeLocationOut(serializers.Serializer[CodeLocation]):
    """A code location and its three facts. `target_path` is answered to those who may configure."""

    place = serializers.CharField(source="__str__")
    organization = serializers.CharField(source="deployment.organization.slug")
    deployment = serializers.CharField(source="deployment.slug")
    name = serializers.CharField()
    wanted_deploy = serializers.IntegerField(source="wanted_deploy.number", default=None, allow_null=True)
    placed_deploy = serializers.IntegerField(source="placed_deploy.number", default=None, allow_null=True)
    live_deploy = serializers.IntegerField(source="live_deploy.number", default=None, allow_null=True)
    last_good = serializers.SerializerMethodField()
    hold = serializers.SerializerMethodField()
    drift = serializers.CharField()
    target_path = serializers.SerializerMethodField()
    created_at = serializers.DateTimeField()

    def get_last_good(self, location: CodeLocation) -> int | None:
        """Answer the number that a rollback to "last-good" would restore now."""
        if (numbers := self.context.get("last_good")) is not None:
            return cast("int | None", numbers.get(location.pk))
        found = last_known_good(location)
        return found.number if found else None

    def get_hold(self, location: CodeLocation) -> dict[str, Any] | None:
        """Answer the hold in force."""
        holds: dict[int, Hold] | None = self.context.get("holds")
        hold = holds.get(location.pk) if holds is not None else hold_of(location)
        return dict(HoldOut(hold).data) if hold else None

    def get_target_path(self, location: CodeLocation) -> str | None:
        """Answer the folder on the target's host, to those who may configure."""
        may = self.context.get("may_configure")
        if may is None:
            may = allows(self.context["request"].user, Right.CONFIGURE, location.deployment)
        return str(target_path(location)) if may else None


class ActorOut(serializers.Serializer[Deploy]):
    """Who did it."""

    name = serializers.CharField(source="actor_name")
    kind = serializers.ChoiceField(source="actor_kind", choices=ActorKind.choices)


class ReleaseOut(serializers.Serializer[Release]):
    """The immutable what."""

    digest = serializers.CharField()
    image = serializers.CharField()
    image_digest = serializers.CharField()
    runtime_version = serializers.CharField()
    bundles = serializers.SerializerMethodField()
    settings_digest = serializers.CharField()
    provisional = serializers.BooleanField()
    pinned = serializers.SerializerMethodField()

    def get_bundles(self, release: Release) -> list[dict[str, Any]]:
        """Answer each mount, its bundle, and the number of the deploy that it came with."""
        origins = self.context.get("origins", {})
        return [
            {
                "mount": mounted.mount,
                "digest": mounted.bundle.digest,
                "version": mounted.bundle.version,
                "from_deploy": origins.get(f"bundle:{mounted.mount}"),
            }
            for mounted in sorted(release.mounts.all(), key=lambda each: each.mount)
        ]

    def get_pinned(self, release: Release) -> bool:
        """Say whether retention keeps it whatever its age."""
        return release.pinned_at is not None


class DeployOut(serializers.Serializer[Deploy]):
    """One act of history."""

    place = serializers.CharField(source="code_location.__str__")
    number = serializers.IntegerField()
    kind = serializers.ChoiceField(choices=DeployKind.choices)
    status = serializers.ChoiceField(choices=DeployStatus.choices)
    description = serializers.CharField()
    actor = ActorOut(source="*")
    parts = serializers.JSONField()
    release = serializers.SerializerMethodField()
    restores = serializers.IntegerField(source="restores.number", default=None, allow_null=True)
    previous = serializers.IntegerField(source="previous.number", default=None, allow_null=True)
    retry_of = serializers.IntegerField(source="retry_of.number", default=None, allow_null=True)
    superseded_by = serializers.IntegerField(source="superseded_by.number", default=None, allow_null=True)
    git = serializers.SerializerMethodField()
    source_position = serializers.IntegerField(allow_null=True)
    created_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    activated_at = serializers.DateTimeField(allow_null=True)
    reloaded_at = serializers.DateTimeField(allow_null=True)
    verified_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)
    step = serializers.CharField()
    assets = serializers.SerializerMethodField()
    verified = serializers.BooleanField(allow_null=True)
    verification = serializers.CharField()
    restorable = serializers.SerializerMethodField()
    applied = serializers.SerializerMethodField()
    held_reason = serializers.SerializerMethodField()
    error = serializers.JSONField(allow_null=True)
    metadata = serializers.JSONField()

    def get_release(self, deploy: Deploy) -> dict[str, Any] | None:
        """Answer the release, once it is composed."""
        if deploy.release is None:
            return None
        return dict(ReleaseOut(deploy.release, context={"origins": deploy.origins}).data)

    def get_git(self, deploy: Deploy) -> dict[str, Any]:
        """Answer where the code came from, with a link when there is one."""
        return {**deploy.git, "commit_url": commit_url(deploy.git)} if deploy.git else {}

    def get_assets(self, deploy: Deploy) -> dict[str, int] | None:
        """Answer how many assets it added, removed and changed; null while nobody knows."""
        return cast("dict[str, int] | None", deploy.asset_counts)

    def get_restorable(self, deploy: Deploy) -> Any:
        """Answer true, or what stands in the way of a rollback to it."""
        obstacle = obstacle_to_restoring(deploy)
        return {"code": obstacle.code, "detail": obstacle.detail} if obstacle else True

    def get_applied(self, deploy: Deploy) -> dict[str, bool]:
        """Answer, part by part, whether the target puts it: what it cannot put is recorded, not applied."""
        return applied_parts(deploy)

    def get_held_reason(self, deploy: Deploy) -> str | None:
        """Answer why it waits."""
        if deploy.status != DeployStatus.HELD:
            return None
        # Lists are of one code location, and bring its hold along.
        known = "hold" in self.context
        hold: Hold | None = self.context["hold"] if known else hold_of(deploy.code_location)
        return hold.reason if hold else None


def applied_parts(deploy: Deploy) -> dict[str, bool]:
    """Say of each part of the release whether its target puts it in place. The directory target puts bundles."""
    release = deploy.release
    if release is None:
        return {}
    applied = {f"bundle:{mounted.mount}": True for mounted in release.mounts.all()}
    if release.image:
        applied["image"] = False
    if release.runtime_version:
        applied["runtime_version"] = False
    return applied


class EventOut(serializers.ModelSerializer[DeployEvent]):
    """One line of what happened."""

    class Meta:
        model = DeployEvent
        fields = ["seq", "at", "kind", "step", "level", "message"]


def without_credentials(url: str) -> str:
    """Answer a repository's address as everybody may read it, without user, password and query; `git@host:path` stays."""
    if re.fullmatch(r"[\w.-]+@[\w.-]+:[^\s:@]+", url):
        return url
    scheme, mark, rest = url.partition("://") if "://" in url else ("", "", url)
    # Up to an @ before the path; or, when a password has slashes in it, up to the last one.
    rest = re.sub(r"^(/*)(?:[^/?#]*|[^/?#]*:.*)@", r"\1", rest)
    return f"{scheme}{mark}{re.split('[?#]', rest)[0]}"


class DeployChange(serializers.Serializer[Any]):
    """What can be changed of a deploy."""

    description = serializers.CharField(max_length=5000, allow_blank=True)


class RollbackIn(serializers.Serializer[Any]):
    """What to restore, and why."""

    to = serializers.CharField(max_length=20, help_text="A deploy's number, or last-good.")
    description = serializers.CharField(max_length=5000)
    scope = serializers.ChoiceField(choices=["all"], default="all")

    def validate_to(self, value: str) -> int | str:
        """Answer a number, or "last-good"."""
        if value == "last-good":
            return value
        number = value.removeprefix("#")
        if not number.isdecimal() or int(number) >= 2**63:
            raise serializers.ValidationError("Use a deploy's number, or last-good.")
        return int(number)


class PushIn(serializers.Serializer[Any]):
    """The parts that change, and where they come from."""

    description = serializers.CharField(max_length=5000, allow_blank=True, default="")
    image = serializers.CharField(max_length=500, required=False)
    bundles = serializers.DictField(
        child=serializers.RegexField(r"^[0-9a-f]{64}$", allow_null=True),
        required=False,
        help_text="{mount: digest or null}",
    )
    runtime_version = serializers.CharField(max_length=100, required=False)
    git = serializers.DictField(
        child=serializers.CharField(max_length=5000, allow_blank=True, allow_null=True), required=False
    )
    source_position = serializers.IntegerField(required=False, allow_null=True, min_value=0, max_value=2**63 - 1)
    expected_live = serializers.IntegerField(required=False, allow_null=True, min_value=0, max_value=2**63 - 1)
    metadata = serializers.DictField(required=False)

    def validate_git(self, value: dict[str, Any]) -> dict[str, Any]:
        """Keep what we know, without what was not said, and without a repository's user, password and query."""
        known = ("commit", "url", "branch", "author", "message", "dirty")
        kept = {name: value[name] for name in known if value.get(name)}
        return kept | {"url": without_credentials(kept["url"])} if "url" in kept else kept

    def validate_metadata(self, value: dict[str, Any]) -> dict[str, Any]:
        """Refuse what no row should carry."""
        import json

        try:
            text = json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
        except ValueError as odd:
            raise serializers.ValidationError("metadata has a number or a letter that cannot be stored.") from odd
        if b"\\u0000" in text:
            raise serializers.ValidationError("metadata has a NUL in it.")
        if len(text) > 20_000:
            raise serializers.ValidationError("metadata is at most 20,000 letters of JSON.")
        return value

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse parts that this portal does not take: nothing that was sent is dropped silently."""
        said = getattr(self, "initial_data", {})
        refused = [name for name in ("assets", "settings") if said.get(name)]
        if refused:
            raise serializers.ValidationError(dict.fromkeys(refused, "This portal does not take this part."))
        return attrs
