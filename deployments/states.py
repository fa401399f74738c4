"""The words that rows may hold, and which of them mean what. Imports nothing of the project."""

from django.db import models


class DeployStatus(models.TextChoices):
    """Where a deploy stands."""

    HELD = "HELD", "Held"  # stored, waits for somebody to resume
    QUEUED = "QUEUED", "Queued"
    RUNNING = "RUNNING", "Running"
    SUCCEEDED = "SUCCEEDED", "Succeeded"
    FAILED = "FAILED", "Failed"  # the platform or the target said no
    ERRORED = "ERRORED", "Errored"  # we broke on the way
    CANCELED = "CANCELED", "Canceled"
    SUPERSEDED = "SUPERSEDED", "Superseded"


ACTIVE = (DeployStatus.QUEUED, DeployStatus.RUNNING)
UNFINISHED = (DeployStatus.HELD, DeployStatus.QUEUED, DeployStatus.RUNNING)
FINISHED = (
    DeployStatus.SUCCEEDED,
    DeployStatus.FAILED,
    DeployStatus.ERRORED,
    DeployStatus.CANCELED,
    DeployStatus.SUPERSEDED,
)


class DeployKind(models.TextChoices):
    """What a deploy is, from its parts and its origin. Stored values are the contract's words."""

    IMAGE = "image", "Image"
    DAGS = "dags", "DAGs"
    IMAGE_AND_DAGS = "image_and_dags", "Image and DAGs"
    DBT = "dbt", "dbt project"
    BUNDLE = "bundle", "Bundle"
    SETTINGS = "settings", "Settings"
    GIT = "git", "Git"
    ROLLBACK = "rollback", "Rollback"
    OBSERVED = "observed", "Observed"


class DeployStep(models.TextChoices):
    """The next thing that the pipeline does with a running deploy."""

    PIN = "PIN", "Pin the image"
    ACTIVATE = "ACTIVATE", "Put in place"
    COMMAND = "COMMAND", "Run the command"
    AWAIT = "AWAIT", "Wait for the target"
    RELOAD = "RELOAD", "Reload the platform"
    VERIFY = "VERIFY", "Verify"


class ActorKind(models.TextChoices):
    """Who acted."""

    PERSON = "person", "Person"
    SERVICE_ACCOUNT = "service_account", "Service account"
    OBSERVER = "observer", "Observed"
    SYSTEM = "system", "Lastgood"


class EventKind(models.TextChoices):
    """What an event line is: a step of the pipeline, or a line of its log."""

    STEP = "STEP", "Step"
    LOG = "LOG", "Log"


class EventLevel(models.TextChoices):
    """How loud an event line is."""

    INFO = "INFO", "Info"
    WARNING = "WARNING", "Warning"
    ERROR = "ERROR", "Error"


class PlatformKind(models.TextChoices):
    """What runs in a deployment, as far as we are connected to it."""

    NONE = "none", "None connected"
    DAGSTER = "dagster", "Dagster"
    AIRFLOW = "airflow", "Airflow"


class TargetKind(models.TextChoices):
    """How releases are put in place."""

    DIRECTORY = "directory", "Directory, and a link that is swapped"
    WORKSPACE = "workspace", "Directory, and an entry of a workspace.yaml"
    WEBHOOK = "webhook", "Webhook: something else runs the image"


class RollbackScope(models.TextChoices):
    """What of a deploy a rollback restores; the rest stays as it is live."""

    ALL = "all", "Everything"
    CODE = "code", "Code only"
    SETTINGS = "settings", "Settings only"


class AlertKind(models.TextChoices):
    """What people are told of."""

    LOAD_FAILED = "load_failed", "Load failed"
    LOAD_RECOVERED = "load_recovered", "Load recovered"
    DEPLOY_FAILED = "deploy_failed", "Deploy failed"
    ROLLBACK_STARTED = "rollback_started", "Rollback started"
    ROLLBACK_SUCCEEDED = "rollback_succeeded", "Rollback succeeded"
    ROLLBACK_FAILED = "rollback_failed", "Rollback failed"


class ChannelKind(models.TextChoices):
    """How people are told."""

    EMAIL = "email", "E-mail"
    SLACK = "slack", "Slack"
    TEAMS = "teams", "Microsoft Teams"
    PAGERDUTY = "pagerduty", "PagerDuty"
    WEBHOOK = "webhook", "Webhook"


class NotificationStatus(models.TextChoices):
    """Where a notification stands."""

    PENDING = "PENDING", "To be sent"
    SENT = "SENT", "Sent"
    FAILED = "FAILED", "Not sent"


def kind_of_parts(parts: dict[str, object]) -> DeployKind:
    """Name a push by the parts that it changes (rows A4 of the product: deploy types).

    `parts` is what `Deploy.parts` holds: image?, bundles? {mount: digest or None}, runtime_version?, settings?.
    """
    bundles = parts.get("bundles") or {}
    mounts = set(bundles) if isinstance(bundles, dict) else set()
    if parts.get("image") and "dags" in mounts:
        return DeployKind.IMAGE_AND_DAGS
    if parts.get("image"):
        return DeployKind.IMAGE
    if mounts == {"dags"}:
        return DeployKind.DAGS
    if mounts and all(mount.split("/")[0] == "dbt" for mount in mounts):
        return DeployKind.DBT
    if mounts:
        return DeployKind.BUNDLE
    return DeployKind.SETTINGS
