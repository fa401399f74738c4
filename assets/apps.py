"""The assets app."""

from django.apps import AppConfig


class AssetsConfig(AppConfig):
    """Assets, their versions, and the changes that deploys made to them."""

    name = "assets"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Teach the history of deploys to be asked for what changed an asset: the app below knows no assets."""
        import django_filters

        from assets.history import changing
        from deployments.history import DeployFilter

        DeployFilter.base_filters["asset"] = django_filters.CharFilter(method=changing, label="Asset")
