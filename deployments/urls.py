"""The addresses of the team's pages."""

from django.urls import path, register_converter
from django.urls.converters import IntConverter

from deployments.views import deploys, holds, overview, rollbacks

app_name = "deployments"


class DeployNumber(IntConverter):
    """A deploy's number: as many digits as the database can compare."""

    regex = "[0-9]{1,18}"


register_converter(DeployNumber, "deploy_number")

DEPLOYMENT = "deployments/<slug:org>/<slug:deployment>/"
LOCATION = f"{DEPLOYMENT}<str:location>/"
DEPLOY = f"{LOCATION}deploys/<deploy_number:number>/"

urlpatterns = [
    path("", overview.home, name="home"),
    path(DEPLOYMENT, overview.overview, name="overview"),
    path(LOCATION, overview.location_history, name="history"),
    path(f"{LOCATION}rollback/", rollbacks.dialog, name="rollback"),
    path(f"{LOCATION}rollbacks/", rollbacks.roll_back, name="rollbacks"),
    path(f"{LOCATION}hold/", holds.dialog, name="hold"),
    path(f"{LOCATION}holds/", holds.hold, name="holds"),
    path(f"{LOCATION}resume/", holds.resume, name="resume"),
    path(DEPLOY, deploys.deploy, name="deploy"),
    path(f"{DEPLOY}live/", deploys.live, name="live"),
    path(f"{DEPLOY}cancel/", deploys.cancel, name="cancel"),
    path(f"{DEPLOY}retry/", deploys.retry, name="retry"),
    path(f"{DEPLOY}describe/", deploys.describe, name="describe"),
]
