"""The API's addresses about assets, below `/api/v1/`. They come before those of deployments."""

from django.urls import path

from assets.api import assets, comparing, deploys, plans
from deployments.api.urls import DEPLOY, LOCATION

urlpatterns = [
    path(f"{LOCATION}deploys/", deploys.Deploys.as_view()),
    path(f"{DEPLOY}asset-changes/", deploys.DeployAssetChanges.as_view()),
    path(f"{DEPLOY}assets/", deploys.DeployAssets.as_view()),
    path(f"{LOCATION}assets/", assets.Assets.as_view()),
    path(f"{LOCATION}assets/detail/", assets.AssetDetail.as_view()),
    path(f"{LOCATION}assets/changes/", assets.AssetChanges.as_view()),
    path(f"{LOCATION}rollback-plans/", plans.RollbackPlans.as_view()),
    path(f"{LOCATION}compare/", comparing.Compare.as_view()),
]
