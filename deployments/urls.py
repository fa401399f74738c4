"""The addresses of the team's pages."""

from django.urls import path, register_converter
from django.urls.converters import IntConverter

from deployments.views import alerts, connection, deploys, holds, loads, overview, rollbacks

app_name = "deployments"


class DeployNumber(IntConverter):
    """A deploy's number: as many digits as the database can compare."""

    regex = "[0-9]{1,18}"


register_converter(DeployNumber, "deploy_number")

DEPLOYMENT = "deployments/<slug:org>/<slug:deployment>/"
LOCATION = f"{DEPLOYMENT}<str:location>/"
DEPLOY = f"{LOCATION}deploys/<deploy_number:number>/"
# No code location can be named "-".
ALERTS = f"{DEPLOYMENT}-/alerts/"
CHANNEL = f"{ALERTS}channels/<str:channel>/"
CONNECTION = f"{DEPLOYMENT}-/connection/"

urlpatterns = [
    path("", overview.home, name="home"),
    path(DEPLOYMENT, overview.overview, name="overview"),
    path(ALERTS, alerts.alerts, name="alerts"),
    path(f"{ALERTS}new/", alerts.new, name="alert-new"),
    path(f"{ALERTS}channels/", alerts.create, name="alert-channels"),
    path(CHANNEL, alerts.channel, name="alert-channel"),
    path(f"{CHANNEL}change/", alerts.change, name="alert-channel-change"),
    path(f"{CHANNEL}remove/", alerts.remove, name="alert-channel-remove"),
    path(f"{CHANNEL}test/", alerts.test, name="alert-channel-test"),
    path(CONNECTION, connection.connection, name="connection"),
    path(f"{CONNECTION}test/", connection.test, name="connection-test"),
    path(f"{CONNECTION}change/", connection.change, name="connection-change"),
    path(f"{CONNECTION}locations/<str:location>/", connection.mute, name="connection-mute"),
    path(LOCATION, overview.location_history, name="history"),
    path(f"{LOCATION}loads/", loads.loads, name="loads"),
    path(f"{LOCATION}loads/<deploy_number:load>/", loads.load, name="load"),
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
