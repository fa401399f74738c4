"""The portal itself, as an app: its commands, its templates' tags, and how its processes run."""

import gc

from django.apps import AppConfig


class PortalConfig(AppConfig):
    """The composition root."""

    name = "portal"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Look for garbage less often: definitions of 10,000 assets are a million objects, and none of them is any."""
        gc.set_threshold(50_000, 20, 20)
