"""The API's addresses, below `/api/v1/`."""

from django.urls import path, register_converter
from django.urls.converters import IntConverter

from deployments.api import (
    alerts,
    callbacks,
    deploys,
    files,
    git_hooks,
    git_sources,
    insights,
    loads,
    places,
    plans,
    tokens,
    uploads,
)


class Number(IntConverter):
    """A deploy's number: as many digits as the database can compare."""

    regex = "[0-9]{1,18}"


register_converter(Number, "number")

LOCATION = "organizations/<slug:org>/deployments/<slug:deployment>/code-locations/<str:location>/"
DEPLOY = f"{LOCATION}deploys/<number:number>/"
CHANNELS = "organizations/<slug:org>/deployments/<slug:deployment>/alert-channels/"
AGENTS = "organizations/<slug:org>/deployments/<slug:deployment>/agents/"
CHANNEL = f"{CHANNELS}<str:channel>/"

urlpatterns = [
    path("auth/token/", tokens.Tokens.as_view()),
    path("organizations/", places.Organizations.as_view()),
    path("organizations/<slug:org>/", places.OneOrganization.as_view()),
    path("organizations/<slug:org>/insights/", insights.OrganizationInsights.as_view()),
    path("organizations/<slug:org>/deployments/", places.Deployments.as_view()),
    path("organizations/<slug:org>/deployments/<slug:deployment>/", places.OneDeployment.as_view()),
    path("organizations/<slug:org>/deployments/<slug:deployment>/connection-test/", places.ConnectionTest.as_view()),
    path("organizations/<slug:org>/deployments/<slug:deployment>/code-locations/", places.CodeLocations.as_view()),
    path("organizations/<slug:org>/deployments/<slug:deployment>/insights/", insights.DeploymentInsights.as_view()),
    path(CHANNELS, alerts.AlertChannels.as_view()),
    path(CHANNEL, alerts.OneAlertChannel.as_view()),
    path(f"{CHANNEL}test/", alerts.TestAlertChannel.as_view()),
    path(f"{CHANNEL}notifications/", alerts.Notifications.as_view()),
    path(f"{AGENTS}", plans.Agents.as_view()),
    path(f"{AGENTS}<str:name>/", plans.OneAgent.as_view()),
    path(LOCATION, places.OneCodeLocation.as_view()),
    path(f"{LOCATION}hold/", places.Hold.as_view()),
    path(f"{LOCATION}resume/", places.Resume.as_view()),
    path(f"{LOCATION}rollback-plans/", plans.RollbackPlans.as_view()),
    path(f"{LOCATION}rollbacks/", deploys.Rollbacks.as_view()),
    path(f"{LOCATION}git-source/", git_sources.GitSources.as_view()),
    path(f"{LOCATION}git-source/fetch/", git_sources.FetchGitSource.as_view()),
    path(f"{LOCATION}insights/", insights.LocationInsights.as_view()),
    path(f"{LOCATION}loads/", loads.Loads.as_view()),
    path(f"{LOCATION}loads/<number:load>/", loads.OneLoad.as_view()),
    path(f"{LOCATION}deploys/", deploys.Deploys.as_view()),
    path(DEPLOY, deploys.OneDeploy.as_view()),
    path(f"{DEPLOY}events/", deploys.Events.as_view()),
    path(f"{DEPLOY}cancel/", deploys.Cancel.as_view()),
    path(f"{DEPLOY}retry/", deploys.Retry.as_view()),
    path(f"{DEPLOY}bundles/<path:mount>/files/", files.BundleFileView.as_view()),
    path(f"{DEPLOY}bundles/<path:mount>/", files.BundleTree.as_view()),
    path("callbacks/<str:token>/", callbacks.Callbacks.as_view()),
    path("git-hooks/<str:hook>/", git_hooks.GitHooks.as_view()),
    path("bundles/", uploads.Bundles.as_view()),
    path("blobs/<str:sha256>", uploads.Blobs.as_view()),
]
