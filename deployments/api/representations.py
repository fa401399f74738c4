"""How deploys look outside. The contract's names."""

from typing import Any, cast

from rest_framework import serializers

from deployments import configuration
from deployments.commits import commit_url, moment_as_text, moment_in, without_credentials
from deployments.drivers import puts_of
from deployments.history import hold_of
from deployments.last_known_good import obstacle_to_restoring
from deployments.load_history import Entry
from deployments.models import Deploy, DeployEvent, Hold, Release
from deployments.states import ActorKind, DeployKind, DeployStatus, RollbackScope


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
    settings = serializers.SerializerMethodField()
    origins = serializers.SerializerMethodField()
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

    def get_settings(self, release: Release) -> dict[str, Any]:
        """Answer the settings; of secrets, and of what is purged, the fingerprints."""
        return configuration.shown(release.settings)

    def get_origins(self, release: Release) -> dict[str, int]:
        """Answer, for each part, the number of the deploy that it came with."""
        return dict(self.context.get("origins", {}))

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
    parts = serializers.SerializerMethodField()
    release = serializers.SerializerMethodField()
    scope = serializers.CharField()
    acknowledged = serializers.ListField(child=serializers.CharField())
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
    run = serializers.SerializerMethodField()

    def get_parts(self, deploy: Deploy) -> dict[str, Any]:
        """Answer what was pushed; no secret's value."""
        settings = deploy.parts.get("settings")
        return {**deploy.parts, "settings": configuration.shown(settings)} if settings else deploy.parts

    def get_run(self, deploy: Deploy) -> dict[str, int] | None:
        """Answer, with collapse=true, how many consecutive similar deploys this newest one stands for, and the first's number."""
        began = getattr(deploy, "run_began", None)
        return None if began is None else {"count": deploy.number - int(began) + 1, "first": int(began)}

    def get_release(self, deploy: Deploy) -> dict[str, Any] | None:
        """Answer the release, once it is composed."""
        if deploy.release is None:
            return None
        return dict(ReleaseOut(deploy.release, context={"origins": deploy.origins}).data)

    def get_git(self, deploy: Deploy) -> dict[str, Any]:
        """Answer where the code came from, with a link when there is one."""
        template = deploy.code_location.deployment.commit_link
        return {**deploy.git, "commit_url": commit_url(deploy.git, template)} if deploy.git else {}

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
    """Say of each part of the release whether its target puts it in place."""
    release, puts = deploy.release, puts_of(deploy.code_location)
    if release is None:
        return {}
    applied = {f"bundle:{mounted.mount}": "bundles" in puts for mounted in release.mounts.all()}
    if release.image:
        applied["image"] = "image" in puts
    if release.runtime_version:
        applied["runtime_version"] = "runtime_version" in puts
    if release.settings_digest:
        applied["settings"] = "settings" in puts
    return applied


class LoadOut(serializers.Serializer[Entry]):
    """What the platform reported: one load, or a run of similar ones, of which this is the newest."""

    id = serializers.IntegerField(source="load.pk")
    ok = serializers.BooleanField(source="load.ok")
    again = serializers.BooleanField()
    deploy = serializers.IntegerField(source="load.deploy.number", default=None, allow_null=True)
    kind = serializers.CharField(source="load.deploy.kind", default=None, allow_null=True)
    actor = serializers.SerializerMethodField()
    count = serializers.IntegerField()
    first_at = serializers.DateTimeField()
    last_at = serializers.DateTimeField()
    reloaded_by = serializers.SerializerMethodField()
    version_key = serializers.CharField(source="load.version_key")
    definitions_digest = serializers.CharField(source="load.definitions_digest")
    asset_count = serializers.IntegerField(source="load.asset_count", allow_null=True)
    assets = serializers.SerializerMethodField()
    image = serializers.SerializerMethodField()
    git = serializers.SerializerMethodField()
    metadata = serializers.JSONField(source="load.metadata")
    missing = serializers.ListField(source="load.missing", child=serializers.CharField())
    error = serializers.JSONField(source="load.error", allow_null=True)
    restorable = serializers.SerializerMethodField()

    def get_actor(self, entry: Entry) -> dict[str, str] | None:
        """Answer who did it; "observed" when nobody told us."""
        return {"name": entry.deploy.actor_name, "kind": entry.deploy.actor_kind} if entry.deploy else None

    def get_reloaded_by(self, entry: Entry) -> str | None:
        """Answer the neighbour's deploy that had the whole workspace loaded again, as "shop#7"."""
        by = entry.load.reloaded_by
        return f"{by.code_location.name}#{by.number}" if by else None

    def get_assets(self, entry: Entry) -> dict[str, int] | None:
        """Answer what it changed: nothing when the same was loaded again; null while nobody knows."""
        if entry.again or entry.deploy is None:
            return None
        return cast("dict[str, int] | None", entry.deploy.asset_counts)

    def get_image(self, entry: Entry) -> str:
        """Answer the image that the platform shows."""
        return str(entry.load.metadata.get("image", ""))

    def get_git(self, entry: Entry) -> dict[str, Any]:
        """Answer where the code came from, with a link when there is one."""
        if entry.deploy is None or not entry.deploy.git:
            return {}
        template = entry.deploy.code_location.deployment.commit_link
        return {**entry.deploy.git, "commit_url": commit_url(entry.deploy.git, template)}

    def get_restorable(self, entry: Entry) -> Any:
        """Answer true, or what stands in the way of a rollback to it."""
        if entry.deploy is None:
            return {"code": "unknown_deploy", "detail": "No deploy is known that this load belongs to."}
        obstacle = obstacle_to_restoring(entry.deploy)
        return {"code": obstacle.code, "detail": obstacle.detail} if obstacle else True


class EventOut(serializers.ModelSerializer[DeployEvent]):
    """One line of what happened."""

    class Meta:
        model = DeployEvent
        fields = ["seq", "at", "kind", "step", "level", "message"]


class DeployChange(serializers.Serializer[Any]):
    """What can be changed of a deploy."""

    description = serializers.CharField(max_length=5000, allow_blank=True)


def pointed_at(value: str) -> int | str:
    """Answer a deploy's number, or "last-good". Raises ValidationError."""
    if value == "last-good":
        return value
    number = value.removeprefix("#")
    if not (number.isascii() and number.isdecimal()) or int(number) >= 2**63:
        raise serializers.ValidationError("Use a deploy's number, or last-good.")
    return int(number)


class PlanIn(serializers.Serializer[Any]):
    """Which rollback is to be explained."""

    to = serializers.CharField(max_length=20, help_text="A deploy's number, or last-good.")
    scope = serializers.ChoiceField(choices=RollbackScope.values, default=RollbackScope.ALL)

    def validate_to(self, value: str) -> int | str:
        """Answer a number, or "last-good"."""
        return pointed_at(value)


class RollbackIn(serializers.Serializer[Any]):
    """What to restore, and why."""

    to = serializers.CharField(max_length=20, help_text="A deploy's number, or last-good.")
    description = serializers.CharField(max_length=5000)
    scope = serializers.ChoiceField(choices=RollbackScope.values, default=RollbackScope.ALL)
    plan_etag = serializers.CharField(
        max_length=64,
        required=False,
        default="",
        allow_blank=True,
        help_text="The plan that was read: 409 if it is outdated.",
    )
    acknowledge = serializers.ListField(
        child=serializers.CharField(max_length=100),
        required=False,
        default=list,
        max_length=50,
        help_text="Names of the plan's soft barriers, by whoever read them.",
    )

    def validate_to(self, value: str) -> int | str:
        """Answer a number, or "last-good"."""
        return pointed_at(value)


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
    settings = serializers.DictField(
        required=False,
        help_text="{env: {NAME: {value, secret} or null}, runtime: {…}, free: {…}}: only those that change.",
    )
    git = serializers.DictField(
        child=serializers.CharField(max_length=5000, allow_blank=True, allow_null=True),
        required=False,
        help_text="{commit, url, branch, author, message, committed_at: ISO 8601 with a time zone, dirty}",
    )
    source_position = serializers.IntegerField(required=False, allow_null=True, min_value=0, max_value=2**63 - 1)
    expected_live = serializers.IntegerField(required=False, allow_null=True, min_value=0, max_value=2**63 - 1)
    metadata = serializers.DictField(required=False)

    def validate_git(self, value: dict[str, Any]) -> dict[str, Any]:
        """Keep what we know, without what was not said, and without a repository's user, password and query."""
        known = ("commit", "url", "branch", "author", "message", "committed_at", "dirty")
        kept = {name: value[name] for name in known if value.get(name)}
        if "committed_at" in kept:
            kept["committed_at"] = self._moment(kept["committed_at"])
        return kept | {"url": without_credentials(kept["url"])} if "url" in kept else kept

    def _moment(self, said: str) -> str:
        try:
            return moment_as_text(moment_in(said))
        except ValueError as odd:
            example = "2026-11-21T13:00:00+01:00"
            raise serializers.ValidationError(
                f"committed_at is no time as ISO 8601 writes it, with its time zone: {example}."
            ) from odd

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
        refused = [name for name in ("assets",) if said.get(name)]
        if refused:
            raise serializers.ValidationError(dict.fromkeys(refused, "This portal does not take this part."))
        return attrs
