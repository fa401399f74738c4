"""The addresses of the pages about assets. They come before those of deployments."""

from django.urls import path

from assets.views import comparing, deploys, details, places, plans
from deployments.urls import DEPLOY, LOCATION

app_name = "assets"

urlpatterns = [
    path(f"{LOCATION}assets/", places.assets, name="list"),
    path(f"{LOCATION}assets/detail/", details.definition, name="definition"),
    path(f"{LOCATION}assets/changes/", details.changes, name="changes"),
    path(f"{LOCATION}rollback/assets/", plans.plan_assets, name="plan"),
    path(f"{LOCATION}compare/", comparing.compare, name="compare"),
    path(f"{DEPLOY}assets/", deploys.deploy_assets, name="deploy"),
]
