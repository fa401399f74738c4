"""The addresses of the team's pages."""

from django.urls import path, register_converter
from django.urls.converters import IntConverter, StringConverter

from deployments.views import (
    actions,
    afterwards,
    alerts,
    connection,
    deploys,
    downloads,
    files,
    following,
    git,
    holds,
    home,
    insights,
    invitations,
    loads,
    members,
    overview,
    rollbacks,
    service_accounts,
    tokens,
)

app_name = "deployments"


class DeployNumber(IntConverter):
    """A deploy's number: as many digits as the database can compare."""

    regex = "[0-9]{1,18}"


class ReleaseName(StringConverter):
    """A release as targets name it: the number of its deploy, the beginning of its digest, which time it was put there."""

    regex = r"[0-9]{1,18}-[0-9a-f]{12}(?:\.[0-9]{1,9})?"


register_converter(DeployNumber, "deploy_number")
register_converter(ReleaseName, "release_name")

DEPLOYMENT = "deployments/<slug:org>/<slug:deployment>/"
LOCATION = f"{DEPLOYMENT}<str:location>/"
GIT = f"{LOCATION}git/"
DEPLOY = f"{LOCATION}deploys/<deploy_number:number>/"
# No code location can be named "-".
ALERTS = f"{DEPLOYMENT}-/alerts/"
CHANNEL = f"{ALERTS}channels/<str:channel>/"
CONNECTION = f"{DEPLOYMENT}-/connection/"
MEMBERS = f"{DEPLOYMENT}-/members/"
ORGANIZATION = "organizations/<slug:org>/"
EVERYBODY = f"{ORGANIZATION}members/"
MACHINES = f"{ORGANIZATION}service-accounts/"
MACHINE = f"{MACHINES}<slug:name>/"

urlpatterns = [
    path("", home.home, name="home"),
    path("insights/", insights.insights, name="insights"),
    path("downloads/", downloads.downloads, name="downloads"),
    path("downloads/<str:name>", downloads.download, name="download"),
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
    path(f"{CONNECTION}agents/<str:name>/forget/", connection.forget_agent, name="agent-forget"),
    path(MEMBERS, members.members, name="members"),
    path(f"{MEMBERS}add/", members.add, name="member-add"),
    path(f"{MEMBERS}<deploy_number:member>/", members.member, name="member"),
    path(f"{MEMBERS}<deploy_number:member>/remove/", members.remove, name="member-remove"),
    path(f"{MEMBERS}invitations/<deploy_number:invitation>/withdraw/", members.withdraw, name="invitation-withdraw"),
    path(EVERYBODY, members.members, name="organization-members"),
    path(f"{EVERYBODY}add/", members.add, name="organization-member-add"),
    path(f"{EVERYBODY}<deploy_number:member>/", members.member, name="organization-member"),
    path(f"{EVERYBODY}<deploy_number:member>/remove/", members.remove, name="organization-member-remove"),
    path(
        f"{EVERYBODY}invitations/<deploy_number:invitation>/withdraw/", members.withdraw, name="organization-withdraw"
    ),
    path(MACHINES, service_accounts.service_accounts, name="service-accounts"),
    path(f"{MACHINES}add/", service_accounts.add, name="service-account-add"),
    path(f"{MACHINE}tokens/", service_accounts.add_token, name="service-account-token"),
    path(f"{MACHINE}tokens/<str:token>/revoke/", service_accounts.revoke, name="service-account-revoke"),
    path(f"{MACHINE}remove/", service_accounts.remove, name="service-account-remove"),
    path("account/tokens/", tokens.tokens, name="tokens"),
    path("account/tokens/add/", tokens.add, name="token-add"),
    path("account/tokens/<str:token>/revoke/", tokens.revoke, name="token-revoke"),
    path("invitations/", invitations.invitation, name="invitation"),
    path("invitations/accept/", invitations.accept, name="invitation-accept"),
    path("invitations/join/", invitations.join, name="invitation-join"),
    path("invitations/<str:secret>/", invitations.link, name="invitation-link"),
    path(LOCATION, overview.location_history, name="history"),
    path(GIT, git.source, name="git"),
    path(f"{GIT}change/", git.change, name="git-change"),
    path(f"{GIT}secret/", git.renew_secret, name="git-secret"),
    path(f"{GIT}fetch/", git.fetch, name="git-fetch"),
    path(f"{GIT}pause/", git.pause, name="git-pause"),
    path(f"{GIT}remove/", git.remove, name="git-remove"),
    path(f"{LOCATION}loads/", loads.loads, name="loads"),
    path(f"{LOCATION}loads/<deploy_number:load>/", loads.load, name="load"),
    path(f"{LOCATION}rollback/", rollbacks.dialog, name="rollback"),
    path(f"{LOCATION}rollbacks/", rollbacks.roll_back, name="rollbacks"),
    path(f"{LOCATION}hold/", holds.dialog, name="hold"),
    path(f"{LOCATION}holds/", holds.hold, name="holds"),
    path(f"{LOCATION}resume/", holds.resume, name="resume"),
    path(f"{LOCATION}deploys/<release_name:release>/", deploys.of_release, name="release"),
    path(DEPLOY, deploys.deploy, name="deploy"),
    # Where Airflow links to, which knows releases by their folders.
    path(f"{DEPLOY}actions/", actions.actions, name="actions"),
    path(f"{DEPLOY}files/", files.tree, name="files"),
    path(f"{DEPLOY}file/", files.file, name="file"),
    path(f"{DEPLOY}file/diff/", files.diff, name="file-diff"),
    path(f"{DEPLOY}file/raw/", files.raw, name="file-raw"),
    path(f"{DEPLOY}live/", following.live, name="live"),
    path(f"{DEPLOY}log/", following.log, name="log"),
    path(f"{DEPLOY}log.txt", following.log_text, name="log-text"),
    path(f"{DEPLOY}afterwards/", afterwards.afterwards, name="afterwards"),
    path(f"{DEPLOY}cancel/", deploys.cancel, name="cancel"),
    path(f"{DEPLOY}retry/", deploys.retry, name="retry"),
    path(f"{DEPLOY}describe/", deploys.describe, name="describe"),
]
