"""The deployments app."""

from django.apps import AppConfig


class DeploymentsConfig(AppConfig):
    """Organizations, deployments, code locations, releases, deploys."""

    name = "deployments"
    default_auto_field = "django.db.models.BigAutoField"
