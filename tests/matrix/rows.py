"""The table: every route of the API with the right that it needs, a valid body, and what it answers when allowed.

A route with a case of its own, because another right or answer applies, has a row for each case.
"""

import hashlib
from dataclasses import dataclass, field
from typing import Any

from tests.factories import manifest_of
from tests.matrix.scene import AGENT, ASSET, OWN, Place, load_at

API = "/api/v1"
ORGANIZATION = f"{API}/organizations/{{org}}/"
DEPLOYMENT = f"{ORGANIZATION}deployments/{{deployment}}/"
LOCATION = f"{DEPLOYMENT}code-locations/{{location}}/"
DEPLOY = f"{LOCATION}deploys/{{number}}/"
AGENTS = f"{DEPLOYMENT}agents/"
CHANNELS = f"{DEPLOYMENT}alert-channels/"
CHANNEL = f"{CHANNELS}{{channel}}/"

CONTENT = b"acme-words 2"
SHA256 = hashlib.sha256(CONTENT).hexdigest()
FILES = manifest_of({"a.py": CONTENT})
IMAGE = "registry.example/shop:1"
PUSH = {"bundles": {"dags": None, "dbt": None}, "image": IMAGE}
SNAPSHOT = {"format": "lastgood.assets/1", "assets": [{"key": ["db", "orders"], "code_version": "9"}]}
NAMED = f"?key={ASSET}"
NEW_CHANNEL = {"name": "ops", "kind": "webhook", "address": "http://localhost:9/alerts", "alerts": ["load_failed"]}
NEW_SOURCE = {"url": "https://localhost/acme/shop.git", "branch": "main", "folder": "dags", "token": "t0k3n"}


@dataclass(frozen=True)
class Row:
    """One line. `then` is the answer to those who may; `ORG` in body and query stands for the organization's slug."""

    method: str
    path: str
    needs: str
    then: int = 200
    body: Any = field(default=None, hash=False)
    query: str = ""
    case: str = ""
    location: str = "shop"
    number: int = 2

    def __str__(self) -> str:
        return f"{self.method} {self.path}{f' {self.case}' if self.case else ''}"

    @property
    def is_of_a_place(self) -> bool:
        """Say whether it names an organization."""
        return "{org}" in self.path or "ORG" in f"{self.query}{self.body}"

    def url(self, place: Place = OWN, **named: Any) -> str:
        """Answer its address at this place."""
        location = self.location if place.location == OWN.location else place.location
        names: dict[str, Any] = {"org": place.org, "deployment": place.deployment, "location": location}
        if "{load}" in self.path:
            names["load"] = load_at(place)
        names |= {
            "channel": place.channel,
            "number": self.number,
            "mount": "dags",
            "sha256": SHA256,
            "token": "1-00",
            "secret": "nobodys",
            "hook": "nobodys",
            "name": AGENT,
        } | named
        return f"{self.path.format(**names)}{self.query.replace('ORG', str(names['org']))}"

    def body_at(self, place: Place = OWN) -> Any:
        """Answer its body, with the organization's name where it takes one."""
        if isinstance(self.body, dict) and self.body.get("organization") == "ORG":
            return self.body | {"organization": place.org}
        return self.body


ROWS = [
    Row("POST", f"{API}/auth/token/", "open", 201, {"username": "signer", "password": "secret"}),
    Row("DELETE", f"{API}/auth/token/", "signed-in", 204),
    Row("GET", f"{API}/schema/", "signed-in"),
    Row("GET", f"{API}/schema/page/", "signed-in"),
    Row("GET", f"{API}/organizations/", "signed-in"),
    Row("POST", f"{API}/organizations/", "superuser", 201, {"slug": "initech"}),
    Row("GET", ORGANIZATION, "view"),
    Row("GET", f"{ORGANIZATION}deployments/", "view"),
    Row("POST", f"{ORGANIZATION}deployments/", "administer", 201, {"slug": "qa"}),
    Row("POST", f"{ORGANIZATION}deployments/", "administer", 409, {"slug": "staging"}, case="taken"),
    Row("GET", DEPLOYMENT, "view"),
    Row("PATCH", DEPLOYMENT, "configure", 200, {"name": "Changed", "retention_days": 7}),
    Row("PATCH", DEPLOYMENT, "configure", 400, {"platform_url": "http://169.254.169.254/"}, case="foreign host"),
    Row("GET", f"{DEPLOYMENT}code-locations/", "view"),
    Row("POST", f"{DEPLOYMENT}code-locations/", "configure", 201, {"name": "new"}),
    Row("POST", f"{DEPLOYMENT}code-locations/", "configure", 409, {"name": "shop"}, case="taken"),
    Row("GET", LOCATION, "view"),
    Row("POST", f"{LOCATION}hold/", "roll_back", 201, {"reason": "Wait."}),
    Row("POST", f"{LOCATION}hold/", "roll_back", 409, {"reason": "Wait."}, case="held", location="held"),
    Row("POST", f"{LOCATION}resume/", "roll_back", 200, case="held", location="held"),
    Row("POST", f"{LOCATION}resume/", "roll_back", 409, case="not held"),
    Row("POST", f"{LOCATION}rollbacks/", "roll_back", 202, {"to": "1", "description": "Bad."}),
    Row(
        "POST", f"{LOCATION}rollbacks/", "roll_back", 202, {"to": "last-good", "description": "Bad."}, case="last good"
    ),
    Row("POST", f"{LOCATION}rollbacks/", "roll_back", 409, {"to": 1, "description": "!"}, case="busy", location="busy"),
    Row("POST", f"{LOCATION}rollbacks/", "roll_back", 400, {"to": "1", "description": ""}, case="no reason"),
    Row(
        "POST",
        f"{LOCATION}rollbacks/",
        "roll_back",
        409,
        {"to": "1", "description": "!", "plan_etag": "old"},
        case="moved",
    ),
    Row("POST", f"{LOCATION}rollback-plans/", "roll_back", 200, {"to": "1", "scope": "code"}),
    Row("POST", f"{LOCATION}rollback-plans/", "roll_back", 404, {"to": 99}, case="to what is not there"),
    Row("POST", f"{LOCATION}rollback-plans/", "roll_back", 400, {"to": "1", "scope": "half"}, case="of half"),
    Row("GET", AGENTS, "view"),
    Row("PUT", f"{AGENTS}{{name}}/", "deploy_to", 200, {"version": "3.1-3"}),
    Row("PUT", f"{AGENTS}{{name}}/", "deploy_to", 400, {"version": ""}, case="without a version"),
    Row("DELETE", f"{AGENTS}{{name}}/", "configure", 204),
    Row("GET", f"{LOCATION}deploys/", "view"),
    Row("POST", f"{LOCATION}deploys/", "deploy_to", 202, PUSH),
    Row("POST", f"{LOCATION}deploys/", "deploy_to", 201, PUSH, case="held", location="held"),
    Row("POST", f"{LOCATION}deploys/", "deploy_to", 409, PUSH | {"expected_live": 1}, case="outdated"),
    Row("POST", f"{LOCATION}deploys/", "deploy_to", 400, {}, case="nothing"),
    Row("POST", f"{LOCATION}deploys/", "deploy_to", 202, PUSH | {"assets": SNAPSHOT}, case="with assets"),
    Row("POST", f"{LOCATION}deploys/", "deploy_to", 400, PUSH | {"assets": {"assets": 7}}, case="with bad assets"),
    Row("GET", DEPLOY, "view"),
    Row("GET", DEPLOY, "view", case="of a rollback", number=4),
    Row("PATCH", DEPLOY, "deploy_to", 200, {"description": "Changed."}, case="of a push"),
    Row("PATCH", DEPLOY, "roll_back", 200, {"description": "Changed."}, case="of a rollback", number=4),
    Row("GET", f"{DEPLOY}events/", "view"),
    Row("POST", f"{DEPLOY}cancel/", "deploy_to", 200, case="of a push", location="busy", number=3),
    Row("POST", f"{DEPLOY}cancel/", "roll_back", 200, case="of a rollback", location="busy", number=2),
    Row("POST", f"{DEPLOY}cancel/", "deploy_to", 409, case="of what has ended"),
    Row("POST", f"{DEPLOY}retry/", "deploy_to", 202, case="of a push", number=3),
    Row("POST", f"{DEPLOY}retry/", "roll_back", 202, case="of a rollback", number=4),
    Row("POST", f"{DEPLOY}retry/", "deploy_to", 409, case="of what succeeded"),
    Row("GET", f"{DEPLOY}asset-changes/", "view"),
    Row("PUT", f"{DEPLOY}assets/", "deploy_to", 200, SNAPSHOT, location="held", number=1),
    Row("PUT", f"{DEPLOY}assets/", "deploy_to", 200, SNAPSHOT, case="of what is queued", location="busy", number=3),
    Row("PUT", f"{DEPLOY}assets/", "deploy_to", 409, SNAPSHOT, case="of what has some"),
    Row("PUT", f"{DEPLOY}assets/", "deploy_to", 409, SNAPSHOT, case="of what failed", number=3),
    Row("PUT", f"{DEPLOY}assets/", "deploy_to", 400, {"assets": 7}, case="that are none"),
    Row("GET", f"{LOCATION}assets/", "view"),
    Row("GET", f"{LOCATION}assets/detail/", "view", query=NAMED),
    Row("GET", f"{LOCATION}assets/changes/", "view", query=NAMED),
    Row("GET", f"{LOCATION}compare/", "view", query="?from=1&to=2"),
    Row("GET", f"{LOCATION}compare/", "view", query="?at=2100-01-01T00:00:00Z", case="at a time"),
    Row("GET", f"{DEPLOY}bundles/{{mount}}/", "view"),
    Row("GET", f"{DEPLOY}bundles/{{mount}}/files/", "view", query="?path=a.py"),
    Row("PATCH", LOCATION, "configure", 200, {"muted": True}),
    Row("PATCH", LOCATION, "configure", 400, {"muted": "perhaps"}, case="with another word"),
    Row("GET", f"{ORGANIZATION}insights/", "view"),
    Row("GET", f"{DEPLOYMENT}insights/", "view", query="?days=90"),
    Row("GET", f"{DEPLOYMENT}insights/", "view", 400, query="?days=1000", case="of too long a period"),
    Row("GET", f"{LOCATION}insights/", "view", query="?from=2026-01-01&to=2026-02-28"),
    Row("GET", f"{LOCATION}loads/", "view", query="?collapse=true"),
    Row("GET", f"{LOCATION}loads/{{load}}/", "view"),
    Row("POST", f"{DEPLOYMENT}connection-test/", "configure", 409, case="without a platform"),
    Row("POST", f"{API}/callbacks/{{token}}/", "open", 404, {"outcome": "succeeded"}),
    Row("GET", CHANNELS, "view"),
    Row("POST", CHANNELS, "configure", 201, NEW_CHANNEL),
    Row("POST", CHANNELS, "configure", 409, NEW_CHANNEL | {"name": "on-call"}, case="taken"),
    Row(
        "POST", CHANNELS, "configure", 400, NEW_CHANNEL | {"address": "http://elsewhere.example/"}, case="foreign host"
    ),
    Row("POST", CHANNELS, "configure", 400, NEW_CHANNEL | {"kind": "email", "address": "a@b.c"}, case="without SMTP"),
    Row("GET", CHANNEL, "view"),
    Row("PATCH", CHANNEL, "configure", 200, {"enabled": False, "renotify_minutes": 30}),
    Row("PATCH", CHANNEL, "configure", 400, {"code_location": "absent"}, case="of what is not there"),
    Row("DELETE", CHANNEL, "configure", 204),
    Row("POST", f"{CHANNEL}test/", "configure", 400, case="without SMTP"),
    Row("GET", f"{CHANNEL}notifications/", "view"),
    Row("GET", f"{LOCATION}git-source/", "view"),
    Row("PUT", f"{LOCATION}git-source/", "configure", 200, NEW_SOURCE),
    Row("PUT", f"{LOCATION}git-source/", "configure", 201, NEW_SOURCE, case="that is new", location="busy"),
    Row("PUT", f"{LOCATION}git-source/", "configure", 400, {"url": "https://elsewhere.example/x"}, case="foreign host"),
    Row("DELETE", f"{LOCATION}git-source/", "configure", 204),
    Row("POST", f"{LOCATION}git-source/fetch/", "deploy_to", 202),
    Row("POST", f"{API}/git-hooks/{{hook}}/", "open", 404),
    Row("POST", f"{API}/bundles/", "deploy_to", 200, {"organization": "ORG", "files": FILES}),
    Row("POST", f"{API}/bundles/", "deploy_to", 400, {"organization": "ORG", "files": 7}, case="no manifest"),
    Row("PUT", f"{API}/blobs/{{sha256}}", "deploy_to", 204, CONTENT, query="?organization=ORG"),
    Row("PUT", f"{API}/blobs/{{sha256}}", "deploy_to", 400, b"other", query="?organization=ORG", case="other bytes"),
]
UNSAFE = [row for row in ROWS if row.method != "GET"]
# One row a route, where the case does not matter.
ROUTES = list({(row.method, row.path): row for row in reversed(ROWS)}.values())[::-1]
