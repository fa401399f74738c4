"""The words that rows may hold, and which of them mean what."""

from django.db import models


class World(models.TextChoices):
    """Which assets a set can speak of: what is not of its world is not missing from it."""

    ASSETS = "ASSETS", "Assets"  # a Dagster's own words about itself, or a snapshot of them
    DBT = "DBT", "dbt"


class Source(models.TextChoices):
    """Who said what a deploy defines."""

    SNAPSHOT = "SNAPSHOT", "Snapshot sent by CI"
    PLATFORM = "PLATFORM", "Read from the platform"
    DBT = "DBT", "dbt manifest"
    KNOWN = "KNOWN", "Known from an earlier deploy of the same code"


class Sight(models.TextChoices):
    """In whose eyes two versions were compared."""

    SENT = "SENT", "As it was sent"
    READ = "READ", "As the platform tells it"
    COMMON = "COMMON", "In what both sources can see"


class ChangeKind(models.TextChoices):
    """What a deploy did to an asset."""

    ADDED = "ADDED", "Added"
    REMOVED = "REMOVED", "Removed"
    CHANGED = "CHANGED", "Changed"
