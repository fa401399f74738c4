"""How places look outside: organizations, deployments, code locations. The contract's names."""

from typing import Any, cast

from rest_framework import serializers

from deployments.access import Right, allows
from deployments.drivers import target_path
from deployments.history import hold_of
from deployments.last_known_good import last_known_good
from deployments.models import CodeLocation, Deploy, Deployment, Hold, Organization, PlatformWatch
from deployments.models.places import slug_rule

# What can be said of a deployment; the rest touches the host, and is an operator's.
CHANGEABLE = [
    "name",
    "platform",
    "platform_url",
    "platform_headers",
    "platform_user",
    "platform_password",
    "dag_bundle",
    "poll_seconds",
    "commit_link",
    "webhook_url",
    "webhook_secret",
    "webhook_patience",
    "registry",
    "registry_user",
    "registry_password",
    "retention_days",
    "ignored_metadata",
]


class OrganizationOut(serializers.ModelSerializer[Organization]):
    """An organization."""

    class Meta:
        model = Organization
        fields = ["slug", "name", "created_at"]
        read_only_fields = ["created_at"]
        # Whether a name is free is the operation's to say, in the words of every other place.
        extra_kwargs = {"slug": {"validators": [slug_rule]}}


class ConnectionOut(serializers.Serializer[PlatformWatch]):
    """How the connection to a platform stands, and what it said of itself."""

    reachable = serializers.SerializerMethodField()
    unreachable_since = serializers.DateTimeField(allow_null=True)
    error = serializers.JSONField(allow_null=True)
    answered_at = serializers.DateTimeField(allow_null=True)
    version = serializers.CharField()
    may_reload = serializers.BooleanField(allow_null=True)
    cannot_tell = serializers.ListField(child=serializers.CharField())
    notes = serializers.ListField(child=serializers.CharField())

    def get_reachable(self, watch: PlatformWatch) -> bool:
        """Say whether it answered when it was asked last."""
        return watch.answered_at is not None and watch.unreachable_since is None


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

    platform_headers = serializers.DictField(
        child=serializers.CharField(max_length=4001),
        required=False,
        write_only=True,
        help_text="Headers with which the platform is asked: {name: value}. Never answered.",
    )
    platform_password = serializers.CharField(
        max_length=4000,
        required=False,
        write_only=True,
        allow_blank=True,
        trim_whitespace=False,
        help_text="With platform_user, for an Airflow that gives out tokens. Never answered.",
    )
    webhook_url = serializers.URLField(
        max_length=200,
        required=False,
        write_only=True,
        allow_blank=True,
        help_text="Where orders are posted to. Never answered: whoever knows it may be able to post there.",
    )
    webhook_secret = serializers.CharField(
        max_length=500, required=False, write_only=True, allow_blank=True, help_text="Signs orders. Never answered."
    )
    registry_password = serializers.CharField(
        max_length=4000, required=False, write_only=True, allow_blank=True, help_text="Never answered."
    )
    connection = serializers.SerializerMethodField()

    def get_connection(self, deployment: Deployment) -> dict[str, Any] | None:
        """Answer how the connection to the platform stands; null: none is connected, or nobody asked yet."""
        watch = getattr(deployment, "watch", None) if deployment.has_platform else None
        return dict(ConnectionOut(watch).data) if watch else None

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
            "platform_headers",
            "platform_user",
            "platform_password",
            "dag_bundle",
            "poll_seconds",
            "commit_link",
            "connection",
            "webhook_url",
            "webhook_secret",
            "webhook_patience",
            "registry",
            "registry_user",
            "registry_password",
            "retention_days",
            "ignored_metadata",
            "created_at",
        ]
        read_only_fields = ["target", "created_at"]
        extra_kwargs = {"poll_seconds": {"min_value": 5, "max_value": 3600}}


class DeploymentIn(DeploymentOut):
    """What can be said of a new deployment."""

    class Meta(DeploymentOut.Meta):
        fields = ["slug", *CHANGEABLE]


class DeploymentChange(DeploymentIn):
    """What can be changed of a deployment. Its slug stays: others hold its address."""

    class Meta(DeploymentIn.Meta):
        fields = CHANGEABLE


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


class CodeLocationChange(serializers.Serializer[Any]):
    """What can be changed of a code location."""

    muted = serializers.BooleanField(help_text="Planned offline: its failures are recorded, and alert nobody.")


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
    muted = serializers.BooleanField()
    absent_since = serializers.DateTimeField(allow_null=True)
    last_load = serializers.SerializerMethodField()
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

    def get_last_load(self, location: CodeLocation) -> dict[str, Any] | None:
        """Answer what the platform reported last."""
        load = location.last_load
        if load is None:
            return None
        deploy = load.deploy.number if load.deploy else None
        return {"id": load.pk, "reported_at": load.reported_at, "ok": load.ok, "deploy": deploy}

    def get_target_path(self, location: CodeLocation) -> str | None:
        """Answer the folder on the target's host, to those who may configure."""
        may = self.context.get("may_configure")
        if may is None:
            may = allows(self.context["request"].user, Right.CONFIGURE, location.deployment)
        return str(target_path(location)) if may else None
