"""The table of the pages: every address outside API, admin and sign-in, with the right that it needs."""

from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User

from deployments.models import Deploy, Invitation, Token
from tests.matrix.rows import Row
from tests.matrix.scene import OWN, Place

DEPLOYMENT = "/deployments/{org}/{deployment}/"
LOCATION = f"{DEPLOYMENT}{{location}}/"
DEPLOY = f"{LOCATION}deploys/{{number}}/"
ALERTS = f"{DEPLOYMENT}-/alerts/"
CHANNEL = f"{ALERTS}channels/{{channel}}/"
CONNECTION = f"{DEPLOYMENT}-/connection/"
# These have a matrix of their own, or belong to a library.
ELSEWHERE = ("/api/", "/admin/", "/accounts/", "/static/")

REASON = {"reason": "Wait."}
BECAUSE = {"description": "Because."}
BACK: dict[str, Any] = {"to": 1, "description": "Bad."}
DOWNLOAD = "lastgood_airflow_bundle.py"
GIT = f"{LOCATION}git/"
REPOSITORY = {"url": "https://localhost/acme/shop.git", "branch": "main", "mount": "dags", "poll_seconds": 60}
CONNECTED = {"platform_url": "", "poll_seconds": 30}
CHANNEL_OF = {"name": "ops", "kind": "webhook", "address": "http://localhost:9/alerts", "alerts": "load_failed"}


MEMBERS = f"{DEPLOYMENT}-/members/"
ORGANIZATION = "/organizations/{org}/"
EVERYBODY = f"{ORGANIZATION}members/"
MACHINES = f"{ORGANIZATION}service-accounts/"
MACHINE = f"{MACHINES}{{name}}/"
INVITED = {"who": "new@example.com", "role": "viewer"}
KNOWN = {"who": "mia", "role": "viewer"}
TOKEN = {"name": "laptop", "days": 7}
NEW_MACHINE = {"name": "nightly", "role": "deployer"}


@dataclass(frozen=True)
class NamedRow(Row):
    """A row whose address has a release's name in it, or that of a file."""

    def url(self, place: Place = OWN, **named: Any) -> str:
        """Answer its address at this place."""
        return super().url(place, **({"name": DOWNLOAD, "release": release_at(place)} | named))


@dataclass(frozen=True)
class PlacedRow(Row):
    """A row whose query names its place."""

    @property
    def is_of_a_place(self) -> bool:
        """Say that it names an organization."""
        return True

    def url(self, place: Place = OWN, **named: Any) -> str:
        """Answer its address at this place."""
        names = {"org": place.org, "deployment": place.deployment, "location": place.location} | named
        return f"{self.path}{self.query.format(**names)}"


@dataclass(frozen=True)
class MemberRow(Row):
    """A row whose address names a member, an invitation or a machine of the place."""

    def url(self, place: Place = OWN, **named: Any) -> str:
        """Answer its address at this place; where there is none, nobody's."""
        whole = "{deployment}" not in self.path
        name = f"{place.org}-member" if whole else f"{place.org}-{place.deployment}-member"
        rows = Invitation.objects.filter(email=f"{name}@example.com").values_list("pk", flat=True)
        token = Token.objects.filter(user__username=f"{place.org}/robot").first()
        return super().url(
            place,
            **{
                "member": User.objects.filter(username=name).values_list("pk", flat=True).first() or 999_999,
                "invitation": rows.first() or 999_999,
                "name": "robot",
                "token": token.reference if token else "0" * 20,
            }
            | named,
        )


def release_at(place: Place) -> str:
    """Answer what targets call the release of the place's #2; where there is none, nobody's."""
    found = Deploy.objects.filter(
        code_location__name=place.location,
        code_location__deployment__slug=place.deployment,
        code_location__deployment__organization__slug=place.org,
        number=2,
    )
    digest = found.values_list("release__digest", flat=True).first() or "0" * 12
    return f"2-{digest[:12]}"


PAGES = [
    Row("GET", "/livez", "open"),
    Row("GET", "/readyz", "open"),
    Row("GET", "/metrics", "metrics"),
    Row("GET", "/", "signed-in"),
    Row("GET", "/insights/", "signed-in"),
    Row("GET", "/insights/", "signed-in", 400, query="?days=1000", case="of too long a period"),
    Row("GET", "/insights/", "view", query="?place=ORG", case="of an organization"),
    PlacedRow("GET", "/insights/", "view", query="?place={org}/{deployment}", case="of a deployment"),
    PlacedRow("GET", "/insights/", "view", query="?place={org}/{deployment}/{location}", case="of a code location"),
    Row("GET", "/downloads/", "open"),
    Row("GET", "/downloads/", "open", query="?place=acme/production/shop", case="for a place"),
    NamedRow("GET", "/downloads/{name}", "open"),
    Row("GET", DEPLOYMENT, "view"),
    Row("GET", LOCATION, "view"),
    Row("GET", ALERTS, "view"),
    Row("GET", f"{ALERTS}new/", "configure"),
    Row("POST", f"{ALERTS}channels/", "configure", 302, CHANNEL_OF),
    Row("POST", f"{ALERTS}channels/", "configure", 409, CHANNEL_OF | {"name": "on-call"}, case="taken"),
    Row(
        "POST", f"{ALERTS}channels/", "configure", 400, CHANNEL_OF | {"address": "ftp://localhost/"}, case="no address"
    ),
    Row("GET", CHANNEL, "configure"),
    Row("POST", f"{CHANNEL}change/", "configure", 302, {"name": "on-call", "alerts": "deploy_failed"}),
    Row("POST", f"{CHANNEL}change/", "configure", 400, {"name": "on-call"}, case="of nothing"),
    Row("POST", f"{CHANNEL}remove/", "configure", 302),
    Row("POST", f"{CHANNEL}test/", "configure", 400, case="without SMTP"),
    Row("GET", MEMBERS, "configure"),
    Row("GET", MEMBERS, "configure", query="?q=mia", case="found by name"),
    Row("GET", MEMBERS, "configure", 400, query="?cursor=x", case="at no cursor"),
    Row("GET", f"{MEMBERS}add/", "configure"),
    Row("POST", f"{MEMBERS}add/", "configure", 201, INVITED, case="of somebody new"),
    Row("POST", f"{MEMBERS}add/", "configure", 302, KNOWN, case="of somebody known"),
    Row("POST", f"{MEMBERS}add/", "configure", 400, {"who": "nobody", "role": "viewer"}, case="of nobody"),
    MemberRow("GET", f"{MEMBERS}{{member}}/", "configure"),
    MemberRow("POST", f"{MEMBERS}{{member}}/", "configure", 302, {"role": "editor"}),
    MemberRow("POST", f"{MEMBERS}{{member}}/", "configure", 400, {"role": "root"}, case="to no role"),
    MemberRow("POST", f"{MEMBERS}{{member}}/remove/", "configure", 302),
    MemberRow("POST", f"{MEMBERS}invitations/{{invitation}}/withdraw/", "configure", 302),
    Row("GET", EVERYBODY, "administer"),
    Row("GET", f"{EVERYBODY}add/", "administer"),
    Row("POST", f"{EVERYBODY}add/", "administer", 201, INVITED, case="of somebody new"),
    Row("POST", f"{EVERYBODY}add/", "administer", 302, KNOWN, case="of somebody known"),
    MemberRow("GET", f"{EVERYBODY}{{member}}/", "administer"),
    MemberRow("POST", f"{EVERYBODY}{{member}}/", "administer", 302, {"role": "organization_admin"}),
    MemberRow("POST", f"{EVERYBODY}{{member}}/remove/", "administer", 302),
    MemberRow("POST", f"{EVERYBODY}invitations/{{invitation}}/withdraw/", "administer", 302),
    Row("GET", MACHINES, "administer"),
    Row("GET", f"{MACHINES}add/", "administer"),
    Row("POST", f"{MACHINES}add/", "administer", 302, NEW_MACHINE),
    Row("POST", f"{MACHINES}add/", "administer", 409, NEW_MACHINE | {"name": "robot"}, case="taken"),
    MemberRow("GET", f"{MACHINE}tokens/", "administer"),
    MemberRow("POST", f"{MACHINE}tokens/", "administer", 201, TOKEN),
    MemberRow("POST", f"{MACHINE}tokens/", "administer", 400, TOKEN | {"days": 0}, case="for no time"),
    MemberRow("POST", f"{MACHINE}tokens/{{token}}/revoke/", "administer", 302),
    MemberRow("POST", f"{MACHINE}remove/", "administer", 302),
    Row("GET", "/account/tokens/", "signed-in"),
    Row("GET", "/account/tokens/add/", "signed-in"),
    Row("POST", "/account/tokens/add/", "signed-in", 201, TOKEN),
    Row("POST", "/account/tokens/add/", "signed-in", 400, TOKEN | {"place": "absent"}, case="for no place"),
    Row("POST", "/account/tokens/{token}/revoke/", "signed-in", 404, case="that is nobody's"),
    Row("GET", "/invitations/", "open", 404, case="that nobody has"),
    Row("GET", "/invitations/{secret}/", "open", 404, case="that is none"),
    Row("POST", "/invitations/accept/", "signed-in", 404, case="that nobody has"),
    Row("POST", "/invitations/join/", "open", 404, case="that nobody has"),
    Row("GET", CONNECTION, "configure"),
    Row("POST", f"{CONNECTION}test/", "configure", 409, case="without a platform"),
    Row("POST", f"{CONNECTION}change/", "configure", 302, CONNECTED),
    Row("POST", f"{CONNECTION}change/", "configure", 400, CONNECTED | {"poll_seconds": 1}, case="too often"),
    Row("POST", f"{CONNECTION}locations/{{location}}/", "configure", 302, {"muted": "on"}),
    Row("POST", f"{CONNECTION}locations/{{location}}/", "configure", 400, {"muted": "perhaps"}, case="another word"),
    Row("POST", f"{CONNECTION}agents/{{name}}/forget/", "configure", 302),
    Row("GET", GIT, "view"),
    Row("GET", GIT, "view", case="where there is none", location="busy"),
    Row("POST", f"{GIT}change/", "configure", 302, REPOSITORY),
    Row("POST", f"{GIT}change/", "configure", 201, REPOSITORY, case="that is new", location="busy"),
    Row("POST", f"{GIT}change/", "configure", 400, REPOSITORY | {"url": "https://elsewhere.example/x"}, case="foreign"),
    Row("POST", f"{GIT}secret/", "configure", 201),
    Row("POST", f"{GIT}fetch/", "deploy_to", 302),
    Row("POST", f"{GIT}fetch/", "deploy_to", 404, case="where there is none", location="busy"),
    Row("POST", f"{GIT}pause/", "configure", 302, {"paused": "on"}),
    Row("POST", f"{GIT}pause/", "configure", 400, {"paused": "perhaps"}, case="another word"),
    Row("POST", f"{GIT}remove/", "configure", 302),
    Row("GET", f"{LOCATION}loads/", "view"),
    Row("GET", f"{LOCATION}loads/", "view", 400, query="?cursor=x", case="at no cursor"),
    Row("GET", f"{LOCATION}loads/{{load}}/", "view"),
    Row("GET", f"{LOCATION}rollback/", "roll_back", query="?to=1"),
    Row("GET", f"{LOCATION}rollback/", "roll_back", 404, query="?to=999", case="to what is not there"),
    Row("POST", f"{LOCATION}rollbacks/", "roll_back", 302, BACK),
    Row("POST", f"{LOCATION}rollbacks/", "roll_back", 400, {"to": 1, "description": ""}, case="no reason"),
    Row("POST", f"{LOCATION}rollbacks/", "roll_back", 409, BACK | {"plan_etag": "0" * 32}, case="moved"),
    Row("POST", f"{LOCATION}rollbacks/", "roll_back", 409, BACK, case="busy", location="busy"),
    Row("GET", f"{LOCATION}rollback/", "roll_back", query="?to=1&scope=settings", case="of settings"),
    Row("GET", f"{LOCATION}rollback/assets/", "roll_back", 302, query="?to=1"),
    Row("GET", f"{LOCATION}rollback/assets/", "roll_back", 404, query="?to=999", case="to what is not there"),
    Row("GET", f"{LOCATION}hold/", "roll_back"),
    Row("POST", f"{LOCATION}holds/", "roll_back", 302, REASON),
    Row("POST", f"{LOCATION}holds/", "roll_back", 400, {"reason": ""}, case="no reason"),
    Row("POST", f"{LOCATION}holds/", "roll_back", 409, REASON, case="held", location="held"),
    Row("POST", f"{LOCATION}resume/", "roll_back", 302, case="held", location="held"),
    Row("POST", f"{LOCATION}resume/", "roll_back", 409, case="not held"),
    Row("GET", f"{LOCATION}assets/", "view"),
    Row("GET", f"{LOCATION}assets/detail/", "view", 404, query="?key=absent", case="of what is not there"),
    Row("GET", f"{LOCATION}assets/detail/", "view", query="?key=orders"),
    Row("GET", f"{LOCATION}assets/changes/", "view", 404, query="?key=absent", case="of what is not there"),
    Row("GET", f"{LOCATION}assets/changes/", "view", query="?key=orders"),
    Row("GET", f"{LOCATION}compare/", "view", 404, query="?from=1&to=999", case="with what is not there"),
    Row("GET", f"{LOCATION}compare/", "view", 400, query="?from=x&to=1", case="with no number"),
    Row("GET", f"{LOCATION}compare/", "view", query="?at=2026-11-20T14:00", case="at a time"),
    Row("GET", f"{LOCATION}compare/", "view", query="?from=1&to=2"),
    Row("GET", f"{DEPLOY}assets/", "view"),
    NamedRow("GET", f"{LOCATION}deploys/{{release}}/", "view", 302),
    Row("GET", DEPLOY, "view"),
    Row("GET", DEPLOY, "view", case="of a rollback", number=4),
    Row("GET", f"{DEPLOY}afterwards/", "view", 404, case="of a push"),
    Row("GET", f"{DEPLOY}afterwards/", "view", number=4),
    Row("GET", f"{DEPLOY}live/", "view"),
    Row("GET", f"{DEPLOY}actions/", "view"),
    Row("GET", f"{DEPLOY}log/", "view", 302, query="?before=2"),
    Row("GET", f"{DEPLOY}log.txt", "view"),
    Row("GET", f"{DEPLOY}files/", "view"),
    Row("GET", f"{DEPLOY}files/", "view", query="?mount=dags", case="of a mount"),
    Row("GET", f"{DEPLOY}files/", "view", 404, query="?mount=dags&path=..", case="of what is not there"),
    Row("GET", f"{DEPLOY}file/", "view", query="?mount=dags&path=a.py"),
    Row("GET", f"{DEPLOY}file/diff/", "view", query="?mount=dags&path=a.py"),
    Row("GET", f"{DEPLOY}file/raw/", "view", query="?mount=dags&path=a.py"),
    Row("POST", f"{DEPLOY}cancel/", "deploy_to", 302, case="of a push", location="busy", number=3),
    Row("POST", f"{DEPLOY}cancel/", "roll_back", 302, case="of a rollback", location="busy", number=2),
    Row("POST", f"{DEPLOY}cancel/", "deploy_to", 409, case="of what has ended"),
    Row("POST", f"{DEPLOY}retry/", "deploy_to", 302, case="of a push", number=3),
    Row("POST", f"{DEPLOY}retry/", "roll_back", 302, case="of a rollback", number=4),
    Row("POST", f"{DEPLOY}retry/", "deploy_to", 409, case="of what succeeded"),
    Row("POST", f"{DEPLOY}describe/", "deploy_to", 302, BECAUSE, case="of a push"),
    Row("POST", f"{DEPLOY}describe/", "roll_back", 302, BECAUSE, case="of a rollback", number=4),
]
# What is read by machines, and files that are saved.
NO_PAGES = {"/livez", "/readyz", "/metrics", "/downloads/{name}", f"{DEPLOY}log.txt", f"{DEPLOY}file/raw/"}
SHOWN = [row for row in PAGES if row.method == "GET" and row.then == 200 and row.path not in NO_PAGES]
