"""What was counted, and when: figures that cost too much to be counted while somebody waits for a page."""

from typing import Any

from django.db import models

from deployments.querysets import OperatorsOnly


class Survey(models.Model):
    """One thing that was counted, as of its time. A newer count takes its place."""

    name = models.CharField(max_length=32, unique=True)
    taken_at = models.DateTimeField()
    seconds = models.FloatField(default=0, help_text="How long counting took.")
    found: Any = models.JSONField(default=dict)

    objects = OperatorsOnly.as_manager()

    def __str__(self) -> str:
        return f"{self.name} at {self.taken_at:%Y-%m-%d %H:%M}"
